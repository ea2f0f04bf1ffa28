## Le magasin.

info-unknown = Je ne sais pas. L'équipe pourra vous renseigner au comptoir.
contact-phone = Téléphone : { $phone }.
open-now = Nous sommes ouverts aujourd'hui jusqu'à { $until }.
opens-later = Nous sommes fermés en ce moment ; aujourd'hui, nous ouvrons à { $from } et fermons à { $until }.
closed-today = { $named ->
    [yes] Nous sommes fermés aujourd'hui : c'est { $name }.
   *[no] { $had ->
        [over] Nous avons fermé pour aujourd'hui.
       *[none] Nous sommes fermés aujourd'hui.
    }
}
opens-again = Nous rouvrons { $day }, de { $from } à { $until }.
closed-on = { $named ->
    [yes] Nous sommes fermés { $day } : c'est { $name }.
   *[no] Nous sommes fermés { $day }.
}
open-on = Nous sommes ouverts { $day }, { $list }.
span = de { $from } à { $until }

code-good = { $text } Donnez le code au moment de payer.
code-over = Ce code n'est pas valable aujourd'hui.
code-unknown = Je ne connais pas le code { $code }.
no-promotions = Il n'y a pas de promotion en ce moment.
no-promotions-on = Il n'y a pas de promotion sur { $query } en ce moment.
promoted = En promotion : { $list }.

loyalty-none = Nous n'avons pas de carte de fidélité.
loyalty-balance = Vos points ne regardent que vous : montrez votre carte au comptoir, et l'équipe vous dira votre solde.
loyalty-points = { $points ->
    [one] Vous avez { $points } point.
   *[other] Vous avez { $points } points.
}
loyalty-join = Vous pouvez la demander au comptoir.
