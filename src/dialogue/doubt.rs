//! When the model is not sure what was wanted: it is asked instead of done.
//!
//! Looking things up harms nobody and is done at once. What changes the basket needs some
//! confidence; what buys, destroys or tells staff something needs more
//! ([`Policy`](super::policy::Policy)). Below that the assistant asks: "Did you want to return
//! something, or to exchange something?"

use super::{
    event::{Source, Utterance},
    question::Question,
    reply::{Arg, Message},
    step::Run,
};
use crate::nlu::command::Command;

/// How much a command can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// Tells something.
    Tells,
    /// Changes the basket, and can be undone.
    Changes,
    /// Buys, destroys, or leaves a request with the shop.
    Commits,
}

fn weight(command: &Command) -> Weight {
    match command {
        Command::AddToCart { .. }
        | Command::ChangeOptions { .. }
        | Command::SetQuantity { .. }
        | Command::RemoveFromCart { .. }
        | Command::Undo {} => Weight::Changes,
        Command::ClearCart {}
        | Command::Checkout { .. }
        | Command::Reorder { .. }
        | Command::CancelOrder { .. }
        | Command::ReturnItem { .. }
        | Command::ExchangeItem { .. }
        | Command::BookAppointment { .. }
        | Command::ChangeAppointment { .. }
        | Command::CancelAppointment {}
        | Command::Privacy { .. } => Weight::Commits,
        _ => Weight::Tells,
    }
}

impl Run<'_> {
    /// Asks what was meant, if the model is too unsure of it. Whether it did.
    pub fn doubts(&mut self, u: &Utterance) -> bool {
        let [command] = &u.commands[..] else {
            return false;
        };
        let least = match weight(command) {
            Weight::Tells => return false,
            Weight::Changes => self.s.policy.sure_to_change,
            Weight::Commits => self.s.policy.sure_to_commit,
        };
        let unsure = u.source == Source::Llm && u.confidence.is_some_and(|c| c < least);
        if !unsure {
            return false;
        }
        let mut choices = vec![command.clone()];
        choices.extend(
            u.alternatives
                .iter()
                .find(|c| c.intent() != command.intent() && can_be_asked(c))
                .cloned(),
        );
        let wish = |c: &Command| Arg::Part(Message::new("wish").case("intent", c.intent()));
        let message = match &choices[..] {
            [one, other] => Message::new("meant-either")
                .with("one", wish(one))
                .with("other", wish(other)),
            _ => Message::new("meant").with("one", wish(command)),
        };
        self.ask(Question::Meant { choices }, message);
        true
    }
}

/// Whether a wish makes sense as the other half of a question.
fn can_be_asked(command: &Command) -> bool {
    !matches!(
        command,
        Command::OutOfScope {}
            | Command::Affirm {}
            | Command::Deny {}
            | Command::Stop {}
            | Command::Greet {}
            | Command::Thank {}
            | Command::Goodbye {}
            | Command::Repeat {}
            | Command::Explain {}
            | Command::Speech { .. }
    )
}
