/// What the hub could not do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    State(#[from] yagura_state::StateError),
    #[error(
        "the findings database: {0}: run `yagura doctor`, and restore the data directory from a copy if it is damaged"
    )]
    Sql(#[from] sqlx::Error),
    #[error("no finding `{0}`: `yagura findings` lists their ids")]
    NoFinding(String),
    #[error("a suppression needs a reason: say why it may stay as it is")]
    NoReason,
    #[error("a suppression needs an end in the future: `{0}` is not after now")]
    NoEnd(String),
    #[error("an alert is closed with what was done about it: say it in a sentence")]
    NoOutcome,
    #[error("`{0}` closes by itself when its control passes: fix it, or suppress it for a time")]
    ClosesItself(String),
    #[error("a stored {what} can't be read: {message}: scan again to replace it")]
    Stored { what: &'static str, message: String },
}
