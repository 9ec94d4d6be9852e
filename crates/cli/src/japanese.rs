//! The command line's help in Japanese. The English stands where the options are defined; what is missing here stays
//! English, and a test says so.

use clap::{Arg, ArgAction, Command};

/// English and Japanese.
const WORDS: &[(&str, &str)] = &[
    // Commands
    ("Audits, watches and defends your AWS accounts.", "AWS アカウントを点検し、見張り、守ります。"),
    (
        "Run everything in one process: console, schedules, ingest, rules",
        "コンソール、定期実行、取り込み、ルールをまとめて 1 プロセスで動かす",
    ),
    ("Judge a live account", "実際の AWS アカウントを診断する"),
    (
        "Judge CloudFormation templates, Terraform plans and AWS Config snapshots",
        "CloudFormation テンプレート、Terraform のプラン、AWS Config スナップショットを診断する",
    ),
    ("Look for attacks in log files", "ログファイルから攻撃の痕跡を探す"),
    ("Put logs into the lake and run the detections over them", "ログをレイクに取り込み、検出ルールを適用する"),
    ("Ask the lake, the inventory and the findings in SQL", "レイク、資産、課題を SQL で調べる"),
    ("List findings, suppress one, or take that back", "課題を一覧する、抑止する、抑止を取り消す"),
    ("The score, as a sum", "スコアを計算式とともに表示する"),
    ("The three stages, and what comes next", "3 段階のロードマップと次にやることを表示する"),
    (
        "Any control, detection, playbook or resource type as documentation",
        "コントロール、検出ルール、プレイブック、リソースタイプの説明を表示する",
    ),
    (
        "Who can do what to what, with the statement that decides",
        "誰が何に対して何をできるかを、判断の根拠となるステートメントとともに答える",
    ),
    (
        "Answer requests against the policies that come with them, without an account",
        "リクエストが許可されるかを、添えられたポリシーだけから答える（AWS アカウント不要）",
    ),
    (
        "Whether a principal can call an action on a resource, and what decides",
        "プリンシパルがリソースに対してアクションを実行できるかを、根拠とともに答える",
    ),
    (
        "Instead of paths, the permissions whose loss leaves fewest of them, and how often each was used",
        "経路の代わりに、外すと経路が最も減る権限と、その利用回数を表示する",
    ),
    (
        "With --cut: count uses since this time (RFC 3339, a date, or 90d)",
        "--cut で利用回数を数え始める日時（RFC 3339、日付、90d など）",
    ),
    ("Also what yagura.toml accepts", "yagura.toml で許容しているものも表示する"),
    (
        "Who outside the zone of trust is let in by the policies of resources",
        "リソースのポリシーで信頼範囲の外に許可されている相手を調べる",
    ),
    (
        "Who inside reaches the data of critical resources",
        "重要リソースのデータにアクセスできる内部のプリンシパルを調べる",
    ),
    (
        "ARN of a resource, with * for any text; may be repeated [default: those of [[trust.critical]] in yagura.toml]",
        "リソースの ARN（任意の文字列は *、複数指定可）[既定値: yagura.toml の [[trust.critical]]]",
    ),
    ("Also whom yagura.toml expects or accepts", "yagura.toml で想定・許容しているものも表示する"),
    (
        "Read this, too: last-accessed (two more calls for each user and role)",
        "追加で読み取る情報: last-accessed（ユーザーとロール 1 件ごとに API 呼び出しが 2 回増えます）",
    ),
    (
        "Instead of paths, what leads to data or credentials: secrets, copies of disks, policies of resources",
        "経路の代わりに、データや認証情報につながる権限を一覧にする（シークレット、ディスクの複製、リソースのポリシーなど）",
    ),
    ("Policy of the principal's session, as JSON", "セッションに指定するセッションポリシー（JSON）"),
    ("ARN of a user or role", "ユーザーまたはロールの ARN"),
    (
        "What was done since this time (RFC 3339, a date, or 90d)",
        "この日時以降の操作を対象にする（RFC 3339、日付、90d など）",
    ),
    (
        "The least policy that allows what a principal really did, proven by replaying it",
        "実際の操作だけを許可する最小権限のポリシーを作り、再現して確かめる",
    ),
    ("Not used within so many days", "この日数の間に使われていないもの"),
    ("Roles, passwords, keys and permissions that nobody used", "使われていないロール・パスワード・キー・権限を調べる"),
    (
        "Groups for principals that do much the same, and how much more each would get",
        "似た操作をするプリンシパルのグループを提案し、増える権限を示す",
    ),
    (
        "Who can make themselves an administrator, and by which steps",
        "管理者権限に到達できるプリンシパルと、その手順を示す",
    ),
    ("ARN of a user or role [default: all]", "ユーザーまたはロールの ARN [既定: すべて]"),
    ("Everybody who can call an action on a resource", "リソースに対してアクションを実行できるプリンシパルを一覧する"),
    (
        "Whether a policy allows anything that another does not, with a request that shows it",
        "旧ポリシーにない許可が新ポリシーにあるかを、実例のリクエストとともに答える",
    ),
    (
        "Whether a resource's policy lets in strangers, with a request that shows it",
        "リソースのポリシーが部外者に許可を与えていないかを、実例のリクエストとともに答える",
    ),
    (
        "What AWS would refuse in a policy, what never matches, and what allows more than is likely meant",
        "ポリシーの誤り、決して一致しない記述、意図より広い許可を指摘する",
    ),
    (
        "Files or folder with AWS Config snapshots or what `scan --resources` wrote [default: the last scan]",
        "AWS Config スナップショット、または `scan --resources` の出力のファイルかフォルダー [既定: 最後のスキャン]",
    ),
    (
        "What is known of the request beside; may be repeated, and a key given twice has several values",
        "リクエストについて分かっている条件キー（複数指定可。同じキーを繰り返すと複数値になる）",
    ),
    (
        "ARN of a user, role or session, a service such as ec2.amazonaws.com, or anonymous",
        "ユーザー・ロール・セッションの ARN、ec2.amazonaws.com などのサービス、または anonymous",
    ),
    ("Action, such as s3:GetObject", "アクション（s3:GetObject など）"),
    ("ARN of the resource, or *", "リソースの ARN、または *"),
    ("Policy before, as JSON; - for standard input", "旧ポリシーの JSON（- で標準入力）"),
    ("Policy after, as JSON", "新ポリシーの JSON"),
    (
        "What it is attached to [default: resource if it names principals]",
        "アタッチ先の種類 [既定: プリンシパルの記述があれば resource]",
    ),
    ("Policy, as JSON; - for standard input", "ポリシーの JSON（- で標準入力）"),
    (
        "Type of the resource, such as AWS::S3::Bucket: only its service's actions count [default: all]",
        "リソースタイプ（AWS::S3::Bucket など）。そのサービスのアクションだけを見る [既定: すべて]",
    ),
    ("Account that owns the resource", "リソースを所有するアカウント"),
    ("Organization whose accounts are trusted", "信頼する組織の ID"),
    ("Another account that is trusted; may be repeated", "信頼するほかのアカウント（複数指定可）"),
    (
        "identity, resource, trust, scp, rcp or endpoint [default: by what it says]",
        "identity、resource、trust、scp、rcp、endpoint のいずれか [既定: 内容から判断]",
    ),
    (
        "One case or a list of cases, as JSON; - for standard input",
        "1 件または複数件のケースを書いた JSON ファイル（- で標準入力）",
    ),
    ("Plan a fix, and apply it with --yes", "修正を計画し、--yes で適用する"),
    ("Restore what a fix changed", "修正を取り消し、元の状態に戻す"),
    ("Write a report of the open findings", "未解決の課題のレポートを書き出す"),
    ("What Yagura knows: list it, test it, begin a new file", "Yagura のコンテンツを一覧する、テストする、新しく作る"),
    ("What is not visible, and why", "見えていないものと、その理由を表示する"),
    ("The least-privilege read policy that scanning needs", "診断に必要な最小権限の読み取りポリシーを表示する"),
    ("All pieces of content", "コンテンツをすべて一覧する"),
    ("Run every fixture of every file", "すべてのファイルのフィクスチャを実行する"),
    ("Begin a new file that passes its test", "テストに通る新しいファイルを作る"),
    // Options of every command
    ("Language of titles and reasons [default: from the locale]", "タイトルや理由の言語 [既定: ロケールに従う]"),
    ("Form of the data on standard output [default: table]", "標準出力に書くデータの形式 [既定: table]"),
    (
        "Also write the data to a file, in a form of its own; may be repeated",
        "データをファイルにも書き出す。形式はファイルごとに選べる（複数指定可）",
    ),
    ("When to colour tables", "表に色を付ける条件"),
    (
        "Folder with content of your own; adds to what is built in and overrides what has the same id",
        "独自のコンテンツのフォルダー。組み込みのコンテンツに加え、同じ ID のものは置き換える",
    ),
    (
        "Where findings, inventory and the lake are kept [default: $YAGURA_DATA, else ~/.local/share/yagura]",
        "課題、資産、レイクの保存先 [既定: $YAGURA_DATA、なければ ~/.local/share/yagura]",
    ),
    (
        "Exit with 1 when something at or above this severity was found",
        "この重大度以上の問題が見つかったら終了コード 1 で終わる",
    ),
    (
        "Exit with 4 when there are blind spots: an input that could not be read, a call that was denied",
        "読み取れない入力や拒否された呼び出しがあれば終了コード 4 で終わる",
    ),
    // up
    ("Use the evidence of a fictional company", "架空の会社のデータを使う"),
    ("Share of the company's log to make; tests take less", "作成するログの割合（テストでは減らす）"),
    ("Address to serve the console on", "コンソールを提供するアドレス"),
    ("Prepare everything and stop before serving", "準備だけを済ませ、提供を始める前に終わる"),
    // Access to AWS
    ("Profile of the shared AWS configuration", "AWS 共有設定のプロファイル"),
    (
        "Region to read; may be repeated [default: all that are enabled]",
        "読み取るリージョン（複数指定可）[既定: 有効なものすべて]",
    ),
    (
        "Assume this role first, in the caller's account or the ARN's",
        "最初に引き受けるロール（呼び出し元または ARN のアカウント）",
    ),
    ("External id of the role", "ロールの外部 ID"),
    ("Service to read; may be repeated [default: all]", "読み取るサービス（複数指定可）[既定: すべて]"),
    ("Calls under way at once", "同時に行う呼び出しの数"),
    ("Record all answers to a file, to be replayed", "すべての応答をファイルに記録する"),
    ("Answer from a recording instead of AWS", "AWS の代わりに記録から応答する"),
    ("Do not call AWS", "AWS を呼び出さない"),
    (
        "Only what these services need; may be repeated [default: all]",
        "このサービスに必要なものだけ（複数指定可）[既定: すべて]",
    ),
    // scan, check
    ("Write all resources to a file, one JSON object a line", "すべてのリソースを 1 行 1 JSON でファイルに書き出す"),
    ("Keep nothing in the data directory", "データディレクトリーに何も残さない"),
    ("Files and folders, or - for standard input", "ファイル、フォルダー、または標準入力 (-)"),
    ("Values of CloudFormation parameters", "CloudFormation パラメーターの値"),
    // hunt, ingest, query
    (
        "Files, folders, s3://BUCKET/PREFIX, or - for standard input",
        "ファイル、フォルダー、s3://BUCKET/PREFIX、または標準入力 (-)",
    ),
    ("Judge the events that `ingest` has stored, as well", "`ingest` で保存済みのイベントも調べる"),
    ("Folder with Sigma rules to add", "追加する Sigma ルールのフォルダー"),
    ("Use just the rules of --rules", "--rules のルールだけを使う"),
    (
        "Only what happened at or after this time (RFC 3339, or a date)",
        "この時刻以降のイベントだけ（RFC 3339 または日付）",
    ),
    ("Only what happened before this time", "この時刻より前のイベントだけ"),
    ("Only findings at or above this severity", "この重大度以上の課題だけ"),
    ("Print signals, too", "シグナルも表示する"),
    ("Threads [default: one a core]", "スレッド数 [既定: コアごとに 1 つ]"),
    ("Write counts to a file, as one JSON object", "件数を 1 つの JSON でファイルに書き出す"),
    ("Read what follows the first gzip member of a file, too", "最初の gzip メンバーの後も読み取る"),
    (
        "CloudTrail's public keys, to check its digests' signatures (`aws cloudtrail list-public-keys` prints them)",
        "ダイジェストの署名を検証する CloudTrail の公開鍵（`aws cloudtrail list-public-keys` で取得）",
    ),
    ("Cap of a file's inflated bytes", "ファイルを展開したサイズの上限（バイト）"),
    ("Cap of one record's bytes", "1 レコードのサイズの上限（バイト）"),
    ("Cap of a record's nesting", "レコードの入れ子の上限"),
    (
        "Read again what could not be read before and was put into quarantine",
        "以前読み取れずに隔離したものを、もう一度読み取る",
    ),
    ("A SELECT over `events`, `resources` and `findings`", "`events`、`resources`、`findings` に対する SELECT"),
    // findings, explain, fix
    (
        "Status to list; may be repeated [default: new and notified]",
        "一覧する状態（複数指定可）[既定: new と notified]",
    ),
    ("All statuses", "すべての状態"),
    ("Control or detection id", "コントロールまたは検出ルールの ID"),
    ("Only findings of this account", "このアカウントの課題だけ"),
    ("Part of a title, rule or resource", "タイトル、ルール、リソースの一部"),
    ("Findings to list at most", "一覧する課題の最大数"),
    ("Suppress this finding", "この課題を抑止する"),
    ("Why it may stay", "残しておいてよい理由"),
    ("Until when (RFC 3339, or a date)", "いつまで（RFC 3339 または日付）"),
    ("Take a suppression back", "抑止を取り消す"),
    (
        "Control, detection, playbook or resource type",
        "コントロール、検出ルール、プレイブック、リソースタイプのいずれか",
    ),
    ("Finding's id", "課題の ID"),
    ("Apply the plan", "計画を適用する"),
    ("Run's id, as `fix` printed it", "`fix` が表示した実行 ID"),
    // content
    (
        "control, detection, escalation, playbook, resource or framework",
        "control、detection、escalation、playbook、resource、framework のいずれか",
    ),
    (
        "control, detection, escalation, playbook or resource",
        "control、detection、escalation、playbook、resource のいずれか",
    ),
    ("Its id", "ID"),
    ("Resource type that a control judges", "コントロールが判定するリソースタイプ"),
    ("Content folder to write to", "書き込むコンテンツフォルダー"),
];

/// What stands beside the commands of an example.
const EXAMPLES: &[(&str, &str)] = &[
    ("Examples:", "例:"),
    ("look around with a fictional company, no AWS account needed", "架空の会社のデータで試す（AWS アカウント不要）"),
    ("judge templates and plans before they are deployed", "テンプレートとプランをデプロイ前に診断する"),
    ("judge a live account", "実際のアカウントを診断する"),
    ("look for attacks in CloudTrail files", "CloudTrail のファイルから攻撃の痕跡を探す"),
    ("where you are, and what comes next", "現在地と次にやること"),
    ("show the plan", "計画を表示する"),
    ("apply it", "適用する"),
];

const COMMANDS: &str = "{about-with-newline}\n使い方: {usage}\n\n{all-args}{after-help}";

fn find(text: &str) -> Option<&'static str> {
    WORDS.iter().find(|(en, _)| *en == text).map(|(_, ja)| *ja)
}

/// The command line with everything that a person reads of it in Japanese.
pub fn speak(command: Command) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("この説明を表示する");
    let version =
        Arg::new("version").short('V').long("version").action(ArgAction::Version).help("バージョンを表示する");
    let mut command = translated(command)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(help.help_heading("オプション").global(true))
        .arg(version.help_heading("オプション"));
    // The commands `help` are there only then.
    command.build();
    with_help(command)
}

/// Says in Japanese what the command `help` does, wherever there is one.
fn with_help(command: Command) -> Command {
    let has_help = command.find_subcommand("help").is_some();
    let command = command.mut_subcommands(with_help);
    if has_help {
        command.mut_subcommand("help", |help| help.about("コマンドの説明を表示する"))
    } else {
        command
    }
}

fn translated(command: Command) -> Command {
    let about = command.get_about().and_then(|text| find(&text.to_string()));
    let after = command
        .get_after_help()
        .map(|text| EXAMPLES.iter().fold(text.to_string(), |text, (en, ja)| text.replace(en, ja)));
    let mut command = command.help_template(COMMANDS).subcommand_help_heading("コマンド");
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(after) = after {
        command = command.after_help(after);
    }
    // Under a heading of one's own clap sorts them by name.
    let mut place = 0;
    command
        .mut_args(|arg| {
            let heading = if arg.is_positional() { "引数" } else { "オプション" };
            place += 1;
            let arg = if arg.is_positional() { arg.display_order(place) } else { arg };
            match arg.get_help().and_then(|text| find(&text.to_string())) {
                Some(ja) => arg.help(ja).help_heading(heading),
                None => arg.help_heading(heading),
            }
        })
        .mut_subcommands(translated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn untranslated(command: &Command, missing: &mut Vec<String>) {
        let helps = command.get_arguments().filter(|a| !a.is_hide_set()).filter_map(Arg::get_help);
        for text in helps.chain(command.get_about()).map(ToString::to_string) {
            if find(&text).is_none() {
                missing.push(text);
            }
        }
        command.get_subcommands().for_each(|command| untranslated(command, missing));
    }

    #[test]
    fn every_word_has_its_japanese() {
        let mut missing = Vec::new();
        untranslated(&crate::args::Cli::command(), &mut missing);
        assert!(missing.is_empty(), "add to `WORDS`: {missing:#?}");
        let mut spoken = speak(crate::args::Cli::command());
        spoken.clone().debug_assert();
        let access = spoken.find_subcommand_mut("access").expect("a command").render_help().to_string();
        assert!(!access.contains("Print this"), "{access}");
    }
}
