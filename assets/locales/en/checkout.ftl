## Buying. The words about the obligation to pay are required by law: keep them.

checkout-empty = Your basket is empty, so there is nothing to order.
checkout-too-much = I can take orders up to { $max }. Please ask the staff.
checkout-unavailable = I am sorry, I cannot take the order just now. Your basket is kept; please try again in a moment.
checkout-dropped = All right, nothing is ordered. Your basket is kept.
price-changed = The price of { $title } has changed from { $before } to { $now }.
stock-less = { $left ->
    [one] Only one { $title } is left, so I changed your basket.
   *[other] Only { $left } of { $title } are left, so I changed your basket.
}
stock-gone = { $title } can no longer be had, so I took it out of your basket.
go-on = Your basket now comes to { $total }. Shall I go on with the order?
no-delivery = We do not deliver, so it will be for pick-up.
no-delivery-age = Goods with an age limit are handed over in the shop only, so it will be for pick-up.

read-back = Your order: { $list }.
read-back-terms = { $fulfilment ->
    [delivery] Delivery at home, { $free ->
        [yes] free of charge
       *[no] { $fee }
    }.
   *[pickup] To pick up at the counter{ $service ->
        [on-site] , for here
        [takeaway] , to take away
       *[none] {""}
    }.
} { $pays ->
    [link] You pay with the link that I will show.
   *[counter] You pay at the counter.
}
read-back-time = Wanted for { $time }.
read-back-age = The staff will check that you are { $age } or over.
read-back-total = { $mode ->
    [speech] Total { $total }, tax included.
   *[text] Total { $total }, including { $tax } tax.
}
buy = { $by ->
    [touch] Above this total a voice is not enough: please touch the button on the screen to order with obligation to pay.
    [counter] I cannot take this order by voice: please confirm it at the counter.
   *[voice] Do you order with obligation to pay, { $total }? Yes or no?
}
buy-early = I had not finished.
buy-late = That was more than a moment ago, so I read it again.
buy-plain = To order, please answer with a plain yes or no.
buy-doubtful = I want to be sure that I heard you.
buy-no-person = I cannot take an order that nobody began by touch or by name.
buy-above-voice = This total needs a touch.

checkout-offline = I am sorry, I have not reached the shop's system for too long to take another order. Your basket is kept; please ask the staff.
order-placed = { $state ->
    [sent] Thank you. Your order { $number } is placed, { $total }.
   *[saved] Thank you. Your order { $number } is saved, { $total }; it is not yet sent to the shop.
}
order-held = Goods with an age limit are held until the staff has seen your proof of age.
order-pay = { $pays ->
    [link] The payment link is on the screen.
    [link-later] The payment link comes from the shop: ask me for your order in a moment.
    [counter-address] Please pay and leave the delivery address at the counter.
   *[counter] Please pay at the counter.
}
order-not-saved = I am sorry, the order could not be saved. Nothing was ordered and your basket is kept.
order-refused = I am sorry, the shop refused this order. Your basket is kept; please ask the staff.
