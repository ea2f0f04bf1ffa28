## Orders that were placed.

which-number = What is your order number?
which-number-again = I did not catch a number. Please spell your order number.
which-postcode = { $screen ->
    [yes] And the post code of the order? You can also type your PIN on the screen.
   *[no] And the post code of the order?
}
order-not-found = I found no order with that number and post code.
orders-down = I am sorry, I cannot look orders up just now. Please try again in a moment.
orders-locked = There were too many wrong tries, so I cannot look orders up for { $minutes ->
    [one] one minute
   *[other] { $minutes } minutes
}. The staff can help you at the counter.
no-orders = I found no orders.

order-state = { $state ->
    [saved] Your order { $number } is saved, and not yet sent to the shop.
    [received] Your order { $number } is with the shop, and not yet confirmed.
    [accepted] Your order { $number } is confirmed.
    [rejected] Your order { $number } was refused by the shop.
    [preparing] Your order { $number } is being prepared.
    [ready] Your order { $number } is ready to be picked up.
    [shipped] Your order { $number } is on its way.
    [out] Your order { $number } is out for delivery.
    [delivered] Your order { $number } was delivered.
    [partly] Your order { $number } was delivered in part; the rest follows.
    [delayed] Your order { $number } is delayed. We are sorry.
    [cancelled] Your order { $number } is cancelled.
    [return-requested] A return was asked for your order { $number }.
    [returned] Your order { $number } came back to us.
    [refunded] Your order { $number } was refunded.
   *[payment-failed] The payment of your order { $number } failed. Please see the counter.
}
order-note = The shop says: { $note }
order-pay-here = It can be paid here: { $url }
order-promised = It is promised for { $day }.
order-carrier = The carrier is { $carrier }.
order-tracking = Tracking number: { $code }.
order-items = In it: { $list }.

history = { $orders ->
    [one] You have one order: { $list }.
   *[other] You have { $orders } orders. The latest: { $list }.
}
history-row = { $day }, { $total }, { $state ->
    [saved] saved
    [received] with the shop
    [accepted] confirmed
    [rejected] refused
    [preparing] being prepared
    [ready] ready
    [shipped] on its way
    [out] out for delivery
    [delivered] delivered
    [partly] delivered in part
    [delayed] delayed
    [cancelled] cancelled
    [return-requested] return asked for
    [returned] returned
    [refunded] refunded
   *[payment-failed] payment failed
}
history-newest = The latest holds { $list }.
history-item = You bought { $title } ({ $day }), for { $price }.
history-shown = I show it on the screen.
history-not-bought = I find no { $item } in your orders.
reordered = They are in your basket, at the prices of today: { $list }. Total { $total }.
reorder-gone = Out of stock at the moment: { $list }.

cancel-sure = Shall I cancel your order { $number }, { $total }? Yes or no?
cancel-kept = All right, the order stays.
cancel-already = Your order { $number } is already cancelled.
cancel-delivered = Your order { $number } was delivered, so it cannot be cancelled; but you can send it back.
cancel-too-late = It is too late to cancel your order { $number }{ $state ->
    [ready] : it is ready to be picked up
    [shipped] : it is on its way
    [out] : it is out for delivery
   *[other] {""}
}. I can ask a person to help you.
cancel-no-person = I cannot cancel an order when nobody began the session by touch or by name.
cancelled = Your order { $number } is cancelled.{ $paid ->
    [yes] {" "}You will be refunded.
   *[no] {""}
}
write-failed = I am sorry, that could not be saved. Nothing was changed.

return-not-now = { $state ->
    [returned] Your order { $number } came back to us already.
    [refunded] Your order { $number } was refunded already.
    [cancelled] Your order { $number } is cancelled.
   *[other] Your order { $number } has not been delivered yet, so it cannot be sent back.
}
return-which = Which one goes back: { $list }?
return-which-shown = Which one goes back? I show the list on the screen.
return-why = Why are you sending it back? Damaged, wrong size, not as described, or another reason?
return-requested = { $kind ->
    [exchange] I have asked for the exchange; the staff will confirm it.
   *[return] I have asked for the return; the staff will confirm it.
}
return-sorry = I am sorry about that.
return-refund = You will be refunded within { $days } days of its return.
return-refused = It cannot be sent back: the time for it, { $days } days, is over, or the product is excluded. The staff can help you.

payment-state = { $state ->
    [unpaid] Your order of { $total } is not paid yet.
    [pending] The payment of { $total } is under way.
    [paid] The payment of { $total } was received once.
    [failed] The payment of { $total } failed, so nothing was taken.
    [refunded] The payment of { $total } was refunded.
   *[cancelled] The payment of { $total } was cancelled.
}
