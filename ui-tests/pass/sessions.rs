//! Everything that a program can say of its recording; with hooks off it is there, and takes no room.

use memscope::{Compression, Durability, Overflow, Session, SessionBuilder, SessionError, Stats};
use std::path::PathBuf;
use std::time::Duration;

fn all(dir: &std::path::Path) -> Result<Option<PathBuf>, SessionError> {
    let builder: SessionBuilder = Session::builder()
        .directory(dir)
        .fallback_directory(dir.join("other"))
        .name("all")
        .label("seed", "7")
        .ring_kib(64)
        .durability(Durability::Commit)
        .compression(Compression::None)
        .overflow(Overflow::Wait(Duration::from_millis(5)));
    let session = builder.clone().start()?;
    memscope::mark("phase");
    let recorded = session.capture_path().is_some();
    assert_eq!(Session::current().is_some(), recorded);
    let stats: Option<Stats> = memscope::stats();
    assert_eq!(stats.is_some(), recorded);
    session.pause()?;
    session.resume()?;
    memscope::flush();
    let path = session.stop()?;
    assert_eq!(path.is_some(), recorded);
    // Again, as often as one likes.
    builder.overflow(Overflow::Discard).durability(Durability::System).start()?.stop()?;
    assert_eq!(size_of::<Session>() == 0, !recorded);
    assert_eq!(size_of::<SessionBuilder>() == 0, !recorded);
    Ok(path)
}

fn main() -> Result<(), SessionError> {
    let dir = std::env::temp_dir().join(format!("memscope-sessions-{}", std::process::id()));
    let path = all(&dir);
    if dir.exists() {
        std::fs::remove_dir_all(&dir).unwrap();
    }
    path.map(|_| ())
}
