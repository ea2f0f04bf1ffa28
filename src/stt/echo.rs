//! The prompt said back.

/// Whether a transcript is the end of the prompt, and too little for so much sound (s): what
/// Whisper writes for speech that it cannot make out. Somebody who really says those words
/// takes a second or two.
#[must_use]
pub fn is_echo(transcript: &str, prompt: &str, seconds: usize) -> bool {
    let (said, prompt) = (words(transcript), words(prompt));
    !said.is_empty() && said.len() < seconds && prompt.ends_with(&said)
}

/// The words of a text, lower case, without punctuation.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::is_echo;

    #[test]
    fn the_end_of_the_prompt_for_much_speech_is_an_echo() {
        let prompt = "Hello, I'd like some milk. Where is my order? I'd like to pay.";
        assert!(is_echo("I'd like to pay.", prompt, 12));
        assert!(!is_echo("I'd like to pay.", prompt, 2));
        assert!(!is_echo("I'd like some milk.", prompt, 12));
        assert!(!is_echo("", prompt, 12));
    }
}
