## L'achat. Les mots sur l'obligation de paiement sont exigés par la loi : gardez-les.

checkout-empty = Votre panier est vide, il n'y a rien à commander.
checkout-too-much = Je peux prendre des commandes jusqu'à { $max }. Adressez-vous à l'équipe.
checkout-unavailable = Je suis désolé, je ne peux pas prendre la commande en ce moment. Votre panier est conservé ; réessayez dans un instant.
checkout-dropped = D'accord, rien n'est commandé. Votre panier est conservé.
price-changed = Le prix de { $title } est passé de { $before } à { $now }.
stock-less = { $left ->
    [one] Il n'en reste qu'un, { $title } : j'ai modifié votre panier.
   *[other] Il n'en reste que { $left }, { $title } : j'ai modifié votre panier.
}
stock-gone = { $title } n'est plus disponible : je l'ai retiré de votre panier.
go-on = Votre panier est maintenant à { $total }. Dois-je continuer la commande ?
no-delivery = Nous ne livrons pas, ce sera donc un retrait.
no-delivery-age = Les produits avec une limite d'âge sont remis en magasin seulement, ce sera donc un retrait.

read-back = Votre commande : { $list }.
read-back-terms = { $fulfilment ->
    [delivery] Livraison à domicile, { $free ->
        [yes] offerte
       *[no] { $fee }
    }.
   *[pickup] À retirer au comptoir{ $service ->
        [on-site] , sur place
        [takeaway] , à emporter
       *[none] {""}
    }.
} { $pays ->
    [link] Vous payez avec le lien que je vais afficher.
   *[counter] Vous payez au comptoir.
}
read-back-time = Pour { $time }.
read-back-age = L'équipe vérifiera que vous avez au moins { $age } ans.
read-back-total = { $mode ->
    [speech] Total : { $total }, taxes comprises.
   *[text] Total : { $total }, dont { $tax } de TVA.
}
buy = { $by ->
    [touch] Au-delà de ce montant, la voix ne suffit pas : touchez le bouton à l'écran pour commander avec obligation de paiement.
    [counter] Je ne peux pas prendre cette commande à la voix : confirmez-la au comptoir.
   *[voice] Passez-vous commande avec obligation de paiement, { $total } ? Oui ou non ?
}
buy-early = Je n'avais pas terminé.
buy-late = Un moment s'est écoulé, je relis donc la commande.
buy-plain = Pour commander, répondez simplement par oui ou par non.
buy-doubtful = Je veux être sûr de vous avoir bien entendu.
buy-no-person = Je ne peux pas prendre une commande que personne n'a commencée en touchant l'écran ou en m'appelant.
buy-above-voice = Ce montant demande un geste à l'écran.

checkout-offline = Je suis désolé, je n'ai pas joint le système du magasin depuis trop longtemps pour prendre une autre commande. Votre panier est conservé ; adressez-vous à l'équipe.
order-placed = { $state ->
    [sent] Merci. Votre commande { $number } est passée, { $total }.
   *[saved] Merci. Votre commande { $number } est enregistrée, { $total } ; elle n'est pas encore transmise au magasin.
}
order-held = Les produits avec une limite d'âge sont gardés jusqu'à ce que l'équipe ait vu votre justificatif d'âge.
order-pay = { $pays ->
    [link] Le lien de paiement est affiché à l'écran.
    [link-later] Le lien de paiement vient du magasin : redemandez-moi votre commande dans un instant.
    [counter-address] Réglez et laissez l'adresse de livraison au comptoir, s'il vous plaît.
   *[counter] Réglez au comptoir, s'il vous plaît.
}
order-not-saved = Je suis désolé, la commande n'a pas pu être enregistrée. Rien n'est commandé et votre panier est conservé.
order-refused = Je suis désolé, le magasin a refusé cette commande. Votre panier est conservé ; adressez-vous à l'équipe.
