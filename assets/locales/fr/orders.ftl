## Les commandes passées.

which-number = Quel est votre numéro de commande ?
which-number-again = Je n'ai pas saisi de numéro. Épelez votre numéro de commande, s'il vous plaît.
which-postcode = { $screen ->
    [yes] Et le code postal de la commande ? Vous pouvez aussi taper votre code secret à l'écran.
   *[no] Et le code postal de la commande ?
}
order-not-found = Je n'ai trouvé aucune commande avec ce numéro et ce code postal.
orders-down = Je suis désolé, je ne peux pas consulter les commandes en ce moment. Réessayez dans un instant.
orders-locked = Il y a eu trop d'essais erronés : je ne peux pas consulter les commandes pendant { $minutes ->
    [one] une minute
   *[other] { $minutes } minutes
}. L'équipe peut vous aider au comptoir.
no-orders = Je n'ai trouvé aucune commande.

order-state = { $state ->
    [saved] Votre commande { $number } est enregistrée, et pas encore transmise au magasin.
    [received] Votre commande { $number } est au magasin, et pas encore confirmée.
    [accepted] Votre commande { $number } est confirmée.
    [rejected] Votre commande { $number } a été refusée par le magasin.
    [preparing] Votre commande { $number } est en préparation.
    [ready] Votre commande { $number } est prête à être retirée.
    [shipped] Votre commande { $number } est en route.
    [out] Votre commande { $number } est en cours de livraison.
    [delivered] Votre commande { $number } a été livrée.
    [partly] Votre commande { $number } a été livrée en partie ; le reste suit.
    [delayed] Votre commande { $number } est retardée. Nous en sommes désolés.
    [cancelled] Votre commande { $number } est annulée.
    [return-requested] Un retour est demandé pour votre commande { $number }.
    [returned] Votre commande { $number } nous est revenue.
    [refunded] Votre commande { $number } a été remboursée.
   *[payment-failed] Le paiement de votre commande { $number } a échoué. Adressez-vous au comptoir.
}
order-note = Le magasin dit : { $note }
order-pay-here = Elle se paie ici : { $url }
order-promised = Elle est promise pour { $day }.
order-carrier = Le transporteur est { $carrier }.
order-tracking = Numéro de suivi : { $code }.
order-items = Elle contient : { $list }.

history = { $orders ->
    [one] Vous avez une commande : { $list }.
   *[other] Vous avez { $orders } commandes. Les dernières : { $list }.
}
history-row = { $day }, { $total }, { $state ->
    [saved] enregistrée
    [received] au magasin
    [accepted] confirmée
    [rejected] refusée
    [preparing] en préparation
    [ready] prête
    [shipped] en route
    [out] en cours de livraison
    [delivered] livrée
    [partly] livrée en partie
    [delayed] retardée
    [cancelled] annulée
    [return-requested] retour demandé
    [returned] retournée
    [refunded] remboursée
   *[payment-failed] paiement échoué
}
history-newest = La dernière contient { $list }.
history-item = Vous avez acheté { $title } ({ $day }), à { $price }.
history-shown = Je l'affiche à l'écran.
history-not-bought = Je ne trouve pas « { $item } » dans vos commandes.
reordered = C'est dans votre panier, aux prix du jour : { $list }. Total : { $total }.
reorder-gone = En rupture en ce moment : { $list }.

cancel-sure = Dois-je annuler votre commande { $number }, { $total } ? Oui ou non ?
cancel-kept = D'accord, la commande est maintenue.
cancel-already = Votre commande { $number } est déjà annulée.
cancel-delivered = Votre commande { $number } a été livrée, elle ne peut plus être annulée ; mais vous pouvez la renvoyer.
cancel-too-late = Il est trop tard pour annuler votre commande { $number }{ $state ->
    [ready] {" "}: elle est prête à être retirée
    [shipped] {" "}: elle est en route
    [out] {" "}: elle est en cours de livraison
   *[other] {""}
}. Je peux demander à un conseiller de vous aider.
cancel-no-person = Je ne peux pas annuler une commande quand personne n'a commencé la session en touchant l'écran ou en m'appelant.
cancelled = Votre commande { $number } est annulée.{ $paid ->
    [yes] {" "}Vous serez remboursé.
   *[no] {""}
}
write-failed = Je suis désolé, cela n'a pas pu être enregistré. Rien n'a changé.

return-not-now = { $state ->
    [returned] Votre commande { $number } nous est déjà revenue.
    [refunded] Votre commande { $number } a déjà été remboursée.
    [cancelled] Votre commande { $number } est annulée.
   *[other] Votre commande { $number } n'a pas encore été livrée, elle ne peut donc pas être renvoyée.
}
return-which = Quel article renvoyez-vous : { $list } ?
return-which-shown = Quel article renvoyez-vous ? J'affiche la liste à l'écran.
return-why = Pourquoi le renvoyez-vous ? Abîmé, mauvaise taille, non conforme, ou une autre raison ?
return-requested = { $kind ->
    [exchange] J'ai demandé l'échange ; l'équipe vous le confirmera.
   *[return] J'ai demandé le retour ; l'équipe vous le confirmera.
}
return-sorry = J'en suis désolé.
return-refund = Vous serez remboursé dans les { $days } jours après le retour.
return-refused = Le retour n'est pas possible : le délai de { $days } jours est dépassé, ou le produit en est exclu. L'équipe peut vous aider.

payment-state = { $state ->
    [unpaid] Votre commande de { $total } n'est pas encore payée.
    [pending] Le paiement de { $total } est en cours.
    [paid] Le paiement de { $total } a été reçu une fois.
    [failed] Le paiement de { $total } a échoué, rien n'a donc été prélevé.
    [refunded] Le paiement de { $total } a été remboursé.
   *[cancelled] Le paiement de { $total } a été annulé.
}
