//! By hand: `AWS_ENDPOINT_URL=http://127.0.0.1:5000 cargo test -p yagura-inventory --test it -- --ignored --nocapture`

use std::sync::Arc;
use yagura_aws::{Api, Client, Options as ClientOptions, identity};
use yagura_content::Library;
use yagura_inventory::live::{self, Options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an AWS endpoint in AWS_ENDPOINT_URL"]
async fn reads_the_account_at_the_endpoint() {
    let client = Client::connect(ClientOptions { region: Some("us-east-1".to_owned()), ..ClientOptions::default() });
    let api: Arc<dyn Api> = Arc::new(client.await.expect("connects"));
    let who = identity(api.as_ref(), "us-east-1").await.expect("an identity");
    let library = Library::builtin().expect("content loads");
    let inventory = live::collect(api, &library, &Options::new(who.account, who.partition), &|_| {}).await;
    for resource in &inventory.resources {
        eprintln!("{}", serde_json::to_string(resource).expect("serialises"));
    }
    for gap in &inventory.gaps {
        eprintln!("GAP {gap:?}");
    }
    assert!(!inventory.resources.is_empty());
}
