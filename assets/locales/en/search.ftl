## Finding, telling, comparing.

search-what = What are you looking for?
search-first = I have not shown you anything yet. What are you looking for?
no-results = I found nothing for { $query }.
no-results-at-all = I found nothing like that.
results-relaxed = { $filter ->
    [color] I have none in { $value }, but there is this.
    [size] I have none in size { $value }, but there is this.
    [brand] I have none by { $value }, but there is this.
    [material] I have none in { $value }, but there is this.
    [category] I have none under { $value }, but there is this.
    [price] I have none at that price, but there is this.
    [exclude] I cannot be sure that these are without { $value }.
   *[other] I have nothing that fits exactly, but there is this.
}
results-similar = I have nothing called { $query }. This comes close.
result-item = { $mode ->
    [speech] { $position }, { $title }, { $price }{ $stock ->
        [out] , out of stock
       *[in] {""}
    }
   *[text] { $n }. { $title }, { $price }{ $stock ->
        [out] {" "}(out of stock)
       *[in] {""}
    }
}
results-few = I found { $total }: { $list }.
results-many = I found { $total }. Here are the first: { $list }. { $left ->
    [one] There is one more.
   *[other] Say "more" for the others.
}
results-page = { $list }.
no-more-results = That is all I have.
no-such-position = { $shown ->
    [one] I have shown you only one.
   *[other] I have shown you { $shown }. Which one?
}
result-one = { $title }, { $price }{ $measured ->
    [yes] , that is { $unit } for { $measure }
   *[no] {""}
}.
price-before = Before the offer it was { $price }.
offer-add = Shall I add it to your basket?
is-out-of-stock = It is out of stock at the moment.
explain-nothing = I have not suggested anything yet.
explain-results = { $how ->
    [cheapest] They are the cheapest that fit what you asked for: { $query }.
    [dearest] They are the dearest that fit what you asked for: { $query }.
    [rating] They have the best reviews for: { $query }.
    [newest] They are the newest for: { $query }.
    [similar] They come closest to the words you said: { $query }.
   *[words] They have the words you said: { $query }. Nobody paid for their place.
}

which-product = Which product do you mean?
no-such-product = I have no { $query }.
did-you-mean = Did you mean { $list }?
did-you-mean-one = Did you mean { $title }, { $price }?
which-one = Which one: { $list }?

price-is = { $mode ->
    [speech] { $title }, { $price }.
   *[text] { $title }: { $price }.
}
price-only = It costs { $price }.
price-per = That is { $unit } for { $measure }.
stock-none = { $title } is out of stock at the moment.
stock-made = { $title } is made to order, so yes.
stock-some = { $left ->
    [one] Yes, there is one { $title } left.
   *[other] Yes, there are { $left } of { $title } in stock.
}
reviews = { $title } has { $stars } stars out of five, from { $reviews ->
    [one] one review
   *[other] { $reviews } reviews
}.
reviews-none = { $title } has no reviews yet.
dimensions = { $title }: { $value }.
warranty-years = { $title } has a warranty of { $years ->
    [one] one year
   *[other] { $years } years
}.
warranty-months = { $title } has a warranty of { $months ->
    [one] one month
   *[other] { $months } months
}.
location = { $title } is here: { $place }.
description = { $mode ->
    [speech] { $text }
   *[text] { $title }: { $text }
}
ingredients = Ingredients of { $title }: { $list }.
allergens = { $named ->
    [yes] It contains these allergens: { $list }.
   *[no] { $title } contains these allergens: { $list }.
}
allergens-none = { $named ->
    [yes] It is declared free of the fourteen main allergens.
   *[no] { $title } is declared free of the fourteen main allergens.
}
allergens-unknown = { $named ->
    [yes] I do not know its allergens. Please ask the staff.
   *[no] I do not know the allergens of { $title }. Please ask the staff.
}
not-known = { $what ->
    [dimensions] I do not know the dimensions of { $title }. Please ask the staff.
    [warranty] I do not know the warranty of { $title }. Please ask the staff.
    [location] I do not know where { $title } stands. Please ask the staff.
    [colors] I do not know the colours of { $title }. Please ask the staff.
    [sizes] I do not know the sizes of { $title }. Please ask the staff.
   *[description] I know no more about { $title }. Please ask the staff.
}
comes-in = { $what ->
    [colors] { $title } comes in { $list }.
   *[sizes] { $title } comes in these sizes: { $list }.
}
comes-not-now = Out of stock at the moment: { $list }.

compare = { $list }.
compare-row = { $title }, { $price }
compare-same-price = They cost the same.
compare-cheaper = The cheaper is { $title }, by { $difference }.
compare-rated = The better reviews, { $stars } stars, are for { $title }.
compare-what = Which two shall I compare?

recommend = I suggest { $list }.
recommend-with = With { $title }, I suggest { $list }.
recommend-none = I have nothing to suggest for that. What are you looking for?
