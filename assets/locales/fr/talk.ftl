## Tout ce qui entoure les achats.
## Ces phrases sont dites : courtes, sans abréviations ni signes qu'une voix ne sait pas lire.

welcome = Bonjour, je suis l'assistant automatique de { $shop }. Que cherchez-vous ?
greet = Bonjour ! Je suis un assistant automatique. Que cherchez-vous ?
thank = Je vous en prie.
goodbye = Au revoir, à bientôt.
goodbye-bought = Merci pour votre commande. Au revoir, à bientôt.
as-written = { $text }

degraded = Mon modèle de langue n'est pas disponible : pour l'instant, je ne comprends que les demandes simples.
engine-down = Je suis désolé, je n'entends pas bien en ce moment. Réessayez dans un instant.
catalog-down = Je suis désolé, je ne peux pas consulter le catalogue en ce moment. Réessayez dans un instant.
went-wrong = Je suis désolé, quelque chose n'a pas fonctionné. Pouvez-vous répéter ?
no-answer = Je suis désolé, cela prend trop de temps. Veuillez réessayer.
no-answer-write = Je suis désolé, je ne sais pas encore si cela a été enregistré. Demandez au personnel avant de recommencer.

unclear = Pardon, pouvez-vous répéter ?
unclear-screen = Je n'ai toujours pas compris. Vous pouvez aussi utiliser l'écran.
unclear-again = Je n'ai toujours pas compris. Dites-le autrement, ou demandez un conseiller.

all-right = D'accord.
yes-to-what = Oui ! Que puis-je faire pour vous ?
nothing-to-repeat = Je n'ai encore rien dit.

help = Vous pouvez chercher un produit, l'ajouter au panier et le commander, suivre une commande, ou poser une question sur le magasin. Que souhaitez-vous ?
help-results = Vous pouvez dire « le premier », « ajoutez le deuxième », « moins cher » ou « dites-m'en plus ».
help-cart = Vous pouvez dire « qu'y a-t-il dans mon panier », « mettez-en trois », « enlevez », « annulez » ou « je passe commande ».
help-buying = Dites « oui » pour commander, ou « non » pour garder votre panier sans commander. Rien n'est payé à la voix.
help-question = J'attends votre réponse ; vous pouvez aussi dire « non » et demander autre chose.

out-of-scope = Je ne peux vous aider que pour vos achats ici.
out-of-scope-again = Je ne peux vous aider que pour vos achats ici : dites « aide » pour savoir ce que je peux faire.

language-changed = D'accord, en français désormais.
language-unknown = Je parle français et anglais.

feedback-good = Merci, cela fait plaisir à entendre.
feedback-bad = J'en suis désolé. Je le transmets à l'équipe.
feedback-thanks = Merci, je le transmets à l'équipe.

privacy-explain = Ce que vous dites est compris sur cet appareil et n'est pas enregistré. À la fin de la session, tout est oublié. Seules vos commandes sont conservées.
privacy-forgotten = D'accord : j'oublie cette session dès maintenant. Au revoir.
privacy-consent = Merci, c'est noté pour cette session.
privacy-refuse = D'accord : rien de cette session n'est conservé, sauf ce que vous commandez.

ticket-human = J'ai appelé un conseiller, avec ce que vous m'avez déjà dit.
ticket-payment = J'ai prévenu l'équipe, qui va s'en occuper.
ticket-notify = J'ai prévenu l'équipe ; laissez un numéro ou une adresse de courriel au comptoir, et vous serez averti.
ticket-appointment = Je ne peux pas réserver moi-même. J'ai transmis votre souhait à l'équipe, qui vous le confirmera au comptoir.
ticket-privacy = J'ai transmis votre demande à l'équipe, qui vous répondra.
ticket-failed = Je n'ai pas pu joindre l'équipe d'ici. Adressez-vous au comptoir.
reference = Votre référence est { $reference }.

## When the model is not sure what was wanted.

wish = { $intent ->
    [search_product] chercher un produit
    [refine_search] préciser la recherche
    [product_details] en savoir plus sur un produit
    [compare_products] comparer
    [recommend] un conseil
    [add_to_cart] ajouter quelque chose au panier
    [change_options] changer la préparation d'un article
    [set_quantity] changer une quantité
    [remove_from_cart] retirer quelque chose du panier
    [view_cart] entendre ce qu'il y a dans le panier
    [clear_cart] vider le panier
    [checkout] commander ce qu'il y a dans le panier
    [track_order] savoir où en est une commande
    [order_history] entendre ce que vous avez acheté
    [reorder] commander la même chose
    [cancel_order] annuler une commande
    [return_item] rendre un article
    [exchange_item] échanger un article
    [payment_problem] signaler un problème de paiement
    [store_info] un renseignement sur le magasin
    [promotions] connaître les offres
    [loyalty] vos points de fidélité
    [book_appointment] prendre un rendez-vous
    [change_appointment] déplacer un rendez-vous
    [cancel_appointment] annuler un rendez-vous
    [notify_me] être prévenu
    [talk_to_human] parler à une personne
    [feedback] donner votre avis
    [privacy] quelque chose au sujet de vos données
    [change_language] une autre langue
    [help] de l'aide
    [undo] annuler le dernier changement
    [select] choisir l'un de ceux-ci
   *[other] autre chose
}
meant = J'ai peur d'avoir mal compris. Vouliez-vous { $one } ?
meant-either = J'ai peur d'avoir mal compris. Vouliez-vous { $one }, ou { $other } ?
