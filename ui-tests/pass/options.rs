//! Every option, on what it applies to.

#[memscope::track(skip(unused, second), tags("io", "cache"), name = "reader", crate = ::memscope)]
fn read(first: String, unused: String) -> usize {
    let second = first.clone();
    let third = second.clone();
    unused.len() + third.len()
}

#[memscope::track(vars(chosen), args = none)]
fn some(first: String) -> usize {
    let chosen = first.clone();
    let (left, right) = (chosen.clone(), 3);
    left.len() + right
}

#[memscope::track(vars = none, args(r#type))]
fn arguments(r#type: String, (a, b): (String, String)) -> usize {
    let length = vec![r#type.len()];
    length[0] + a.len() + b.len()
}

#[memscope::track(vars = all, args = all,)]
fn all(first: String) -> usize {
    let v = vec![first];
    v.len()
}

#[memscope::track(skip)]
fn skipped(first: String) -> usize {
    first.len()
}

#[memscope::track(tags("money"), drop = off)]
struct Till {
    coins: Vec<u8>,
}

#[memscope::track(vars = none)]
impl Till {
    #[memscope::track(skip(self))]
    fn into_coins(self) -> Vec<u8> {
        self.coins
    }

    fn count(self) -> usize {
        let coins = self.coins;
        coins.len()
    }
}

#[memscope::track(args = none, tags("module"))]
mod inner {
    pub fn double(text: String) -> String {
        let twice = text.repeat(2);
        twice
    }
}

fn main() {
    assert_eq!(read("a".into(), "bc".into()), 3);
    assert_eq!(some("a".into()), 4);
    assert_eq!(arguments("a".into(), ("b".into(), "c".into())), 3);
    assert_eq!(all("a".into()), 1);
    assert_eq!(skipped("a".into()), 1);
    assert_eq!(Till { coins: vec![1] }.into_coins(), [1]);
    assert_eq!(Till { coins: vec![1] }.count(), 1);
    assert_eq!(inner::double("a".into()), "aa");
}
