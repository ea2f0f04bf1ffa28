## The shop.

info-unknown = I do not know that. The staff can tell you at the counter.
contact-phone = Phone: { $phone }.
open-now = We are open today until { $until }.
opens-later = We are closed just now; today we open at { $from } and close at { $until }.
closed-today = { $named ->
    [yes] We are closed today for { $name }.
   *[no] { $had ->
        [over] We have closed for today.
       *[none] We are closed today.
    }
}
opens-again = We open again { $day }, from { $from } to { $until }.
closed-on = { $named ->
    [yes] We are closed { $day }, for { $name }.
   *[no] We are closed { $day }.
}
open-on = We are open { $day }, { $list }.
span = from { $from } to { $until }

code-good = { $text } Give the code when you pay.
code-over = That code is not valid today.
code-unknown = I do not know the code { $code }.
no-promotions = There are no offers just now.
no-promotions-on = There are no offers on { $query } just now.
promoted = On offer: { $list }.

loyalty-none = We have no loyalty card.
loyalty-balance = Your points are yours alone to hear: show your card at the counter, and the staff will tell you.
loyalty-points = { $points ->
    [one] You have one point.
   *[other] You have { $points } points.
}
loyalty-join = You can join at the counter.
