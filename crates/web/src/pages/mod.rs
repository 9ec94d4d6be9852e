//! One file a page.

pub(crate) mod assets;
pub(crate) mod finding;
pub(crate) mod findings;
pub(crate) mod home;
pub(crate) mod resource;
pub(crate) mod resources;
pub(crate) mod roadmap;
pub(crate) mod rule;

use crate::{
    Console,
    ui::{Ui, short},
};
use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use yagura_hub::Error;

/// A page that says what went wrong and what to do.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    ui: &'a Ui,
    nav: &'static str,
    code: u16,
    title: String,
    text: String,
    detail: String,
}

/// Renders a page with the reader's cookies.
pub(crate) fn show(ui: &Ui, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let mut response = Html(html).into_response();
            for cookie in ui.cookies() {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, format!("the page can't be rendered: {e}\n")).into_response(),
    }
}

/// The page for what the hub could not answer.
pub(crate) fn failed(ui: &Ui, error: &Error) -> Response {
    let (status, title, text) = match error {
        Error::NoFinding(_) => (
            StatusCode::NOT_FOUND,
            ui.w("There is no such finding", "この課題は見つかりません"),
            ui.w("It may belong to another data directory.", "別のデータディレクトリの課題かもしれません。"),
        ),
        Error::NoReason | Error::NoEnd(_) => (
            StatusCode::BAD_REQUEST,
            ui.w("This can't be suppressed like that", "この内容では抑制できません"),
            ui.w(
                "A reason and an end in the future are needed. Go back and fill in both.",
                "理由と、将来の終了日の両方が必要です。前の画面に戻って入力してください。",
            ),
        ),
        Error::NoOutcome | Error::ClosesItself(_) => (
            StatusCode::BAD_REQUEST,
            ui.w("This can't be closed like that", "この内容ではクローズできません"),
            ui.w(
                "An alert is closed with what was done about it; what a control found closes when it passes.",
                "アラートのクローズには対応内容の記入が必要です。コントロールの課題は、合格になると自動で解決します。",
            ),
        ),
        _ => (
            StatusCode::INTERNAL_SERVER_ERROR,
            ui.w("The findings can't be read", "課題を読み込めません"),
            ui.w("Run `yagura doctor` to see what is wrong.", "`yagura doctor` を実行して原因を確認してください。"),
        ),
    };
    message(ui, status, title, text, &error.to_string())
}

fn message(ui: &Ui, status: StatusCode, title: &str, text: &str, detail: &str) -> Response {
    let (code, title, text, detail) = (status.as_u16(), title.to_owned(), text.to_owned(), short(detail, 500));
    let page = Message { ui, nav: "", code, title, text, detail };
    (status, show(ui, &page)).into_response()
}

/// The page for a form that was not sent by the console.
pub(crate) fn bad_request(ui: &Ui) -> Response {
    message(
        ui,
        StatusCode::BAD_REQUEST,
        ui.w("The form can't be read", "送信内容を読み取れません"),
        ui.w(
            "Go back, load the page anew and send it again.",
            "前の画面に戻り、再読み込みしてからもう一度送信してください。",
        ),
        "",
    )
}

pub(crate) async fn not_found(ui: Ui) -> Response {
    message(
        &ui,
        StatusCode::NOT_FOUND,
        ui.w("There is no such page", "このページは存在しません"),
        ui.w("Begin at the home page.", "ホームからやり直してください。"),
        "",
    )
}

/// A number that changes when anything that pages show has changed; pages ask for it to know when to load anew.
pub(crate) async fn version(State(console): State<Console>) -> Response {
    match console.hub.version().await {
        Ok(version) => version.to_string().into_response(),
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
    }
}
