## The basket.

cart-line = { $mode ->
    [speech] { $quantity ->
        [1] { $title }
       *[other] { $quantity } { $title }
    }{ $with ->
        [options] , { $said }
       *[nothing] {""}
    }
   *[text] { $quantity } × { $title }{ $with ->
        [nothing] {""}
       *[options] {" "}({ $options })
    }
}
cart-line-priced = { $line }, { $amount }
add-what = What shall I add?
added = { $lines ->
    [one] { $mode ->
        [speech] I added { $line }, for { $amount }.
       *[text] Added: { $line }, { $amount }.
    }
   *[other] { $mode ->
        [speech] I added { $line }, for { $amount }. Your basket comes to { $total }.
       *[text] Added: { $line }, { $amount }. Basket: { $total }.
    }
}
age-note = It is for people aged { $age } or over: the staff will ask for proof of age.
cart-full = Your basket is full: it holds { $max } different products.
cart-empty = Your basket is empty.
cart-now-empty = Your basket is now empty.
cart-view = In your basket: { $list }. { $lines ->
    [one] {""}
   *[other] Total { $total }.
}
cart-total = Your basket now comes to { $total }.
clear-sure = { $pieces ->
    [one] Shall I take the one item out of your basket?
   *[other] Shall I empty your basket, all { $pieces } items?
}
cleared = Your basket is empty. Say "undo" to have it back.
clear-kept = All right, your basket stays as it is.
nothing-to-undo = There is nothing to undo.
undone = Undone. In your basket: { $list }, total { $total }.
undone-empty = Undone. Your basket is empty again.
no-such-line = { $lines ->
    [one] There is only one product in your basket.
   *[other] There are { $lines } products in your basket.
}
not-in-cart = There is no { $item } in your basket.
which-line = Which one: { $list }?
how-many = How many { $title }?
removed = { $mode ->
    [speech] I took out { $line }.
   *[text] Removed: { $line }.
}
quantity-set = { $mode ->
    [speech] Now { $line }, for { $amount }. Your basket comes to { $total }.
   *[text] { $line }, { $amount }. Basket: { $total }.
}
quantity-kept = It stays at { $quantity }.
line-changed = { $mode ->
    [speech] Now { $line }, for { $amount }. Your basket comes to { $total }.
   *[text] Changed: { $line }, { $amount }. Basket: { $total }.
}
line-as-it-is = That is how it is: { $line }.
line-kept = I left it as it was.
no-options = There is nothing to choose for { $title }.
option-unknown = I cannot make it with { $option }.
which-option = Which { $group } for { $title }{ $many ->
    [yes] { $mode ->
        [speech] {""}
       *[text] {""}: { $list }
    }
   *[no] {""}: { $list }
}?
which-size = Which size for { $title }{ $many ->
    [yes] { $mode ->
        [speech] {""}
       *[text] {""}: { $list }
    }
   *[no] {""}: { $list }
}?
which-color = Which colour for { $title }{ $many ->
    [yes] { $mode ->
        [speech] {""}
       *[text] {""}: { $list }
    }
   *[no] {""}: { $list }
}?
offer-variant = Shall I add it in { $value }?
variant-unknown = { $title } does not come in { $value }.
variant-out = { $title } is out of stock in { $value }.
out-of-stock = { $title } is out of stock.
offer-instead = Would you like { $title } instead, for { $price }?
stock-short = { $left ->
    [one] There is only one { $title } left.
   *[other] There are only { $left } of { $title } left.
}
stock-all-in-cart = You already have all { $max } of { $title } in your basket.
cap-quantity = I can take an order for at most { $left } of { $title }; for more, please ask the staff.
cap-reached = You already have { $max } of { $title }, and that is the most I can take; for more, please ask the staff.
offer-so-many = { $quantity ->
    [one] Shall I add it?
   *[other] Shall I add { $quantity }?
}
