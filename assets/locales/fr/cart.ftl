## Le panier.

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
add-what = Que dois-je ajouter ?
added = { $lines ->
    [one] { $mode ->
        [speech] J'ai ajouté { $line }, pour { $amount }.
       *[text] Ajouté : { $line }, { $amount }.
    }
   *[other] { $mode ->
        [speech] J'ai ajouté { $line }, pour { $amount }. Votre panier est à { $total }.
       *[text] Ajouté : { $line }, { $amount }. Panier : { $total }.
    }
}
age-note = C'est réservé aux personnes d'au moins { $age } ans : l'équipe demandera un justificatif d'âge.
cart-full = Votre panier est plein : il contient { $max } produits différents.
cart-empty = Votre panier est vide.
cart-now-empty = Votre panier est maintenant vide.
cart-view = Dans votre panier : { $list }. { $lines ->
    [one] {""}
   *[other] Total : { $total }.
}
cart-total = Votre panier est maintenant à { $total }.
clear-sure = { $pieces ->
    [one] Dois-je retirer le seul article de votre panier ?
   *[other] Dois-je vider votre panier, soit { $pieces } articles ?
}
cleared = Votre panier est vide. Dites « annulez » pour le retrouver.
clear-kept = D'accord, votre panier reste tel quel.
nothing-to-undo = Il n'y a rien à annuler.
undone = C'est annulé. Dans votre panier : { $list }, total { $total }.
undone-empty = C'est annulé. Votre panier est de nouveau vide.
no-such-line = { $lines ->
    [one] Il n'y a qu'un produit dans votre panier.
   *[other] Il y a { $lines } produits dans votre panier.
}
not-in-cart = Il n'y a pas de produit « { $item } » dans votre panier.
which-line = Lequel : { $list } ?
how-many = Combien en voulez-vous : { $title } ?
removed = { $mode ->
    [speech] J'ai retiré { $line }.
   *[text] Retiré : { $line }.
}
quantity-set = { $mode ->
    [speech] Voici : { $line }, pour { $amount }. Votre panier est à { $total }.
   *[text] { $line }, { $amount }. Panier : { $total }.
}
quantity-kept = J'en laisse { $quantity }.
line-changed = { $mode ->
    [speech] Voici : { $line }, pour { $amount }. Votre panier est à { $total }.
   *[text] Modifié : { $line }, { $amount }. Panier : { $total }.
}
line-as-it-is = C'est déjà le cas : { $line }.
line-kept = Je n'ai rien changé.
no-options = Il n'y a rien à choisir pour { $title }.
option-unknown = Je ne peux pas le faire avec « { $option } ».
which-option = Quel choix pour { $title }, { $group }{ $many ->
    [yes] { $mode ->
        [speech] {""}
       *[text] {" "}: { $list }
    }
   *[no] {" "}: { $list }
} ?
which-size = Quelle taille pour { $title }{ $many ->
    [yes] { $mode ->
        [speech] {""}
       *[text] {" "}: { $list }
    }
   *[no] {" "}: { $list }
} ?
which-color = Quelle couleur pour { $title }{ $many ->
    [yes] { $mode ->
        [speech] {""}
       *[text] {" "}: { $list }
    }
   *[no] {" "}: { $list }
} ?
offer-variant = Je l'ajoute en { $value } ?
variant-unknown = { $title } n'existe pas en { $value }.
variant-out = { $title } est en rupture en { $value }.
out-of-stock = { $title } est en rupture de stock.
offer-instead = Voulez-vous plutôt { $title }, à { $price } ?
stock-short = { $left ->
    [one] Il n'en reste qu'un : { $title }.
   *[other] Il n'en reste que { $left } : { $title }.
}
stock-all-in-cart = Tout le stock est déjà dans votre panier : { $max } pour { $title }.
cap-quantity = Je peux en prendre { $left } au plus pour { $title } ; au-delà, adressez-vous à l'équipe.
cap-reached = Vous en avez déjà { $max } pour { $title }, c'est le maximum que je peux prendre ; au-delà, adressez-vous à l'équipe.
offer-so-many = { $quantity ->
    [one] Dois-je l'ajouter ?
   *[other] Dois-je en ajouter { $quantity } ?
}
