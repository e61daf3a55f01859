use memscope::Probe;

#[memscope::track]
enum Message {
    Text(Probe<Self>, String),
    Named { probe: Probe<Self>, name: String },
    Fine(String, Probe<Self>),
}

fn main() {
    drop([
        Message::Text(Probe::new(), String::new()),
        Message::Named { probe: Probe::new(), name: String::new() },
        Message::Fine(String::new(), Probe::new()),
    ]);
}
