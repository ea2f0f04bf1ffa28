## Trouver, renseigner, comparer.

search-what = Que cherchez-vous ?
search-first = Je ne vous ai encore rien montré. Que cherchez-vous ?
no-results = Je n'ai rien trouvé pour { $query }.
no-results-at-all = Je n'ai rien trouvé de tel.
results-relaxed = { $filter ->
    [color] Je n'en ai pas en { $value }, mais il y a ceci.
    [size] Je n'en ai pas en taille { $value }, mais il y a ceci.
    [brand] Je n'en ai pas de la marque { $value }, mais il y a ceci.
    [material] Je n'en ai pas en { $value }, mais il y a ceci.
    [category] Je n'en ai pas au rayon { $value }, mais il y a ceci.
    [price] Je n'en ai pas à ce prix, mais il y a ceci.
    [exclude] Je ne peux pas garantir que ceux-ci sont sans { $value }.
   *[other] Je n'ai rien qui corresponde exactement, mais il y a ceci.
}
results-similar = Je n'ai rien qui s'appelle { $query }. Ceci s'en approche.
result-item = { $mode ->
    [speech] { $position }, { $title }, { $price }{ $stock ->
        [out] , en rupture
       *[in] {""}
    }
   *[text] { $n }. { $title }, { $price }{ $stock ->
        [out] {" "}(en rupture)
       *[in] {""}
    }
}
results-few = J'en ai trouvé { $total } : { $list }.
results-many = J'en ai trouvé { $total }. Voici les premiers : { $list }. { $left ->
    [one] Il y en a encore un autre.
   *[other] Dites « la suite » pour les autres.
}
results-page = { $list }.
no-more-results = C'est tout ce que j'ai.
no-such-position = { $shown ->
    [one] Je ne vous en ai montré qu'un.
   *[other] Je vous en ai montré { $shown }. Lequel ?
}
result-one = { $title }, { $price }{ $measured ->
    [yes] , soit { $unit } pour { $measure }
   *[no] {""}
}.
price-before = Avant la promotion, c'était { $price }.
offer-add = Je l'ajoute à votre panier ?
is-out-of-stock = C'est en rupture de stock en ce moment.
explain-nothing = Je n'ai encore rien proposé.
explain-results = { $how ->
    [cheapest] Ce sont les moins chers pour votre demande : { $query }.
    [dearest] Ce sont les plus chers pour votre demande : { $query }.
    [rating] Ce sont les mieux notés pour : { $query }.
    [newest] Ce sont les plus récents pour : { $query }.
    [similar] Ce sont les plus proches des mots que vous avez dits : { $query }.
   *[words] Ils contiennent les mots que vous avez dits : { $query }. Personne n'a payé pour être proposé.
}

which-product = De quel produit parlez-vous ?
no-such-product = Je n'ai pas de produit « { $query } ».
did-you-mean = Vouliez-vous dire { $list } ?
did-you-mean-one = Vouliez-vous dire { $title }, { $price } ?
which-one = Lequel : { $list } ?

price-is = { $mode ->
    [speech] { $title }, { $price }.
   *[text] { $title } : { $price }.
}
price-only = Cela coûte { $price }.
price-per = Soit { $unit } pour { $measure }.
stock-none = { $title } est en rupture de stock en ce moment.
stock-made = { $title } est préparé à la demande, donc oui.
stock-some = { $left ->
    [one] Oui, il en reste un en stock : { $title }.
   *[other] Oui, il y en a { $left } en stock : { $title }.
}
reviews = { $title } a une note de { $stars } sur cinq, avec { $reviews } avis.
reviews-none = { $title } n'a pas encore d'avis.
dimensions = { $title } : { $value }.
warranty-years = { $title } est garanti { $years ->
    [one] un an
   *[other] { $years } ans
}.
warranty-months = { $title } est garanti { $months } mois.
location = { $title } se trouve ici : { $place }.
description = { $mode ->
    [speech] { $text }
   *[text] { $title } : { $text }
}
ingredients = { $title }, ingrédients : { $list }.
allergens = { $named ->
    [yes] Allergènes : { $list }.
   *[no] { $title } contient ces allergènes : { $list }.
}
allergens-none = { $named ->
    [yes] Aucun des quatorze allergènes principaux n'est déclaré.
   *[no] { $title } : aucun des quatorze allergènes principaux n'est déclaré.
}
allergens-unknown = { $named ->
    [yes] Je ne connais pas ses allergènes. Demandez au personnel, s'il vous plaît.
   *[no] Je ne connais pas les allergènes de ce produit : { $title }. Demandez au personnel, s'il vous plaît.
}
not-known = { $what ->
    [dimensions] Je ne connais pas les dimensions de { $title }. Demandez au personnel.
    [warranty] Je ne connais pas la garantie de { $title }. Demandez au personnel.
    [location] Je ne sais pas où se trouve { $title }. Demandez au personnel.
    [colors] Je ne connais pas les couleurs de { $title }. Demandez au personnel.
    [sizes] Je ne connais pas les tailles de { $title }. Demandez au personnel.
   *[description] Je n'en sais pas plus sur { $title }. Demandez au personnel.
}
comes-in = { $what ->
    [colors] { $title } existe en { $list }.
   *[sizes] { $title } existe dans ces tailles : { $list }.
}
comes-not-now = En rupture en ce moment : { $list }.

compare = { $list }.
compare-row = { $title }, { $price }
compare-same-price = Ils coûtent le même prix.
compare-cheaper = Le moins cher est { $title } : { $difference } de moins.
compare-rated = Le mieux noté, { $stars } sur cinq, est { $title }.
compare-what = Lesquels dois-je comparer ?

recommend = Je vous propose { $list }.
recommend-with = Avec { $title }, je vous propose { $list }.
recommend-none = Je n'ai rien à proposer pour cela. Que cherchez-vous ?
