#[memscope::track]
enum Message {
    Text(String),
    Nothing,
}

fn text(message: Message) -> String {
    match message {
        Message::Text(text) => text,
        Message::Nothing => String::new(),
    }
}

fn main() {
    text(Message::Text(text(Message::Nothing)));
}
