struct Reader<'a> {
    text: &'a String,
    position: Box<usize>,
}

fn main() {
    memscope::track_var!(let reader = Reader { text: &String::from("a"), position: Box::new(0) });
    let _ = (reader.text, &reader.position);
}
