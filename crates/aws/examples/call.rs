//! Calls an operation: `cargo run -p yagura-aws --example call -- s3 ListBuckets '{}' [REGION] [--one-page]`.

use std::{error::Error, io::Write, process::ExitCode};
use yagura_aws::{Api, Call, Client, Options};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let one_page = words.iter().position(|w| w == "--one-page").map(|at| words.remove(at)).is_some();
    let [service, operation, rest @ ..] = words.as_slice() else {
        return Err("usage: call SERVICE OPERATION [PARAMS] [REGION] [--one-page]".into());
    };
    let client = Client::connect(Options::default()).await?;
    let call = Call {
        service: service.clone(),
        operation: operation.clone(),
        params: serde_json::from_str(rest.first().map_or("{}", String::as_str))?,
        region: rest.get(1).cloned().unwrap_or_else(|| client.region().to_owned()),
        account: None,
    };
    let answer = if one_page { client.call(&call).await } else { client.call_all(&call).await };
    match answer {
        Ok(output) => {
            writeln!(std::io::stdout(), "{output:#}")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            writeln!(std::io::stderr(), "{error}")?;
            Ok(ExitCode::from(3))
        }
    }
}
