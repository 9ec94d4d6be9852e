use std::sync::Arc;
use yagura_content::Library;
use yagura_hub::Hub;
use yagura_state::State;
use yagura_web::{Console, bind, serve};

fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[tokio::main]
async fn main() {
    for (dir, listen) in std::env::args().skip(1).zip(7241..) {
        let state = State::open_in(&dir).await.expect("state");
        let hub = Hub::new(state, Vec::new());
        let library = Arc::new(Library::builtin().expect("content"));
        let (listener, at) = bind(&format!("127.0.0.1:{listen}")).await.expect("bind");
        println!("{dir} {at}");
        tokio::spawn(serve(Console::new(hub, library, now), listener, std::future::pending()));
    }
    std::future::pending::<()>().await;
}
