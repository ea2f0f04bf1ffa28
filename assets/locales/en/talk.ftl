## Everything around the shopping.
## Sentences are spoken: short, no abbreviations, no symbols that a voice cannot say.

welcome = Hello, I am the automatic assistant of { $shop }. What are you looking for?
greet = Hello! I am an automatic assistant. What are you looking for?
thank = You are welcome.
goodbye = Goodbye, see you soon.
goodbye-bought = Thank you for your order. Goodbye, see you soon.
as-written = { $text }

degraded = My language model is not available, so I only understand simple requests just now.
engine-down = I am sorry, I cannot hear well just now. Please try again in a moment.
catalog-down = I am sorry, I cannot read the catalogue just now. Please try again in a moment.
went-wrong = I am sorry, something went wrong. Please say that again.
no-answer = I am sorry, that is taking too long. Please try again.
no-answer-write = I am sorry, I do not know yet whether that was saved. Please ask the staff before you try again.

unclear = Sorry, could you say that again?
unclear-screen = I still did not catch that. You can also use the screen.
unclear-again = I still did not catch that. Please say it in other words, or ask for a person.

all-right = All right.
yes-to-what = Yes! What would you like me to do?
nothing-to-repeat = I have not said anything yet.

help = You can look for a product, put it in your basket and order it, track an order, or ask about the shop. What would you like?
help-results = You can say "the first one", "add the second one", "something cheaper", or "tell me more".
help-cart = You can say "what is in my basket", "make it three", "remove", "undo", or "check out".
help-buying = Say "yes" to order, or "no" to keep your basket and not order. Nothing is paid by voice.
help-question = I am waiting for your answer; you can also say "no" and ask for something else.

out-of-scope = I can only help with shopping here.
out-of-scope-again = I can only help with shopping here: say "help" to hear what I can do.

language-changed = All right, in English from now on.
language-unknown = I speak English and French.

feedback-good = Thank you, that is good to hear.
feedback-bad = I am sorry to hear that. I am passing it on to the staff.
feedback-thanks = Thank you, I am passing it on to the staff.

privacy-explain = What you say is understood on this device and is not recorded. When the session ends, it is forgotten. Only your orders are kept.
privacy-forgotten = All right: I am forgetting this session now. Goodbye.
privacy-consent = Thank you, I noted it for this session.
privacy-refuse = All right: nothing of this session is kept but what you order.

ticket-human = I have called a member of staff, with what you told me so far.
ticket-payment = I have told the staff; they will look into it.
ticket-notify = I have told the staff; leave a phone number or an e-mail address at the counter, and they will let you know.
ticket-appointment = I cannot book it myself. I have passed your wish on to the staff, who will confirm it at the counter.
ticket-privacy = I have passed your request on to the staff, who will answer you.
ticket-failed = I could not reach the staff from here. Please go to the counter.
reference = Your reference is { $reference }.

## When the model is not sure what was wanted.

wish = { $intent ->
    [search_product] to look for something
    [refine_search] to narrow the search
    [product_details] to know more about something
    [compare_products] to compare
    [recommend] advice
    [add_to_cart] to add something to your basket
    [change_options] to change how something is made
    [set_quantity] to change how many
    [remove_from_cart] to remove something from your basket
    [view_cart] to hear what is in your basket
    [clear_cart] to empty your basket
    [checkout] to order what is in your basket
    [track_order] to know where an order is
    [order_history] to hear what you bought before
    [reorder] to order the same again
    [cancel_order] to cancel an order
    [return_item] to return something
    [exchange_item] to exchange something
    [payment_problem] to report a problem with a payment
    [store_info] to know something about the shop
    [promotions] to hear about offers
    [loyalty] to hear about your points
    [book_appointment] to book an appointment
    [change_appointment] to move an appointment
    [cancel_appointment] to cancel an appointment
    [notify_me] to be told when something happens
    [talk_to_human] to talk to a person
    [feedback] to tell us your opinion
    [privacy] something about your data
    [change_language] another language
    [help] help
    [undo] to take back the last change
    [select] to choose one of these
   *[other] something else
}
meant = I am not sure I understood. Did you want { $one }?
meant-either = I am not sure I understood. Did you want { $one }, or { $other }?
