//! `courant events`: what happened, from any point on, and as it happens.

use clap::Args;
use serde_json::Value;

use super::pages::Pages;
use super::show;
use crate::client::{Client, RequestError, ServerArgs};
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, cell, field};

/// Events that one command prints unless told otherwise.
const LIMIT_DEFAULT: usize = 100;
/// How long a lost stream is tried again before the command gives up, in seconds.
const RECONNECT_MAX_S: u64 = 60;

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// Only events after this one; `0`: from the beginning, `latest`: those to come
    #[arg(long, value_name = "ID", default_value = "0")]
    after: String,
    /// Only events of this type, such as payment.completed
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    limit: Option<usize>,
    /// Go on with new events as they happen, until interrupted
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &EventsArgs) -> Result<Exit, Failure> {
    let client = args.server.client()?;
    let mut out = Output::new(args.server.json);
    if args.follow {
        return follow(&client, args, &mut out);
    }
    let mut left = args.limit.unwrap_or(LIMIT_DEFAULT);
    let mut pages = Pages::new(&client, &path(&args.after, args.kind.as_deref()));
    while let Some(events) = pages.next(left)? {
        left -= events.len().min(left);
        events.iter().try_for_each(|event| print(event, &mut out))?;
    }
    Ok(Exit::Success)
}

/// The list of events after one, of one type or all.
pub(super) fn path(after: &str, kind: Option<&str>) -> String {
    let kind = kind.map(|kind| format!("&type={kind}")).unwrap_or_default();
    format!("/v1/events?after={after}{kind}")
}

/// Reads the stream, and opens it again from the last event seen when it breaks.
fn follow(client: &Client, args: &EventsArgs, out: &mut Output) -> Result<Exit, Failure> {
    let kind = args.kind.as_deref().map(|kind| format!("?type={kind}")).unwrap_or_default();
    let path = format!("/v1/events/stream{kind}");
    let mut last = args.after.clone();
    let mut lost_since = None;
    loop {
        match client.stream(&path, Some(&last)) {
            Ok(events) => {
                // An error here is a broken connection; what came before it is complete.
                for event in events.map_while(Result::ok) {
                    if !event.data.is_empty() {
                        lost_since = None;
                        let parsed = serde_json::from_str(&event.data);
                        let parsed: Value = parsed.map_err(|e| Failure::internal(e.to_string()))?;
                        print(&parsed, out)?;
                    }
                    // From `latest` on it is a place, so that nothing is missed when it breaks.
                    last = event.id;
                }
            }
            Err(error @ RequestError::Problem(_)) if !error.is_passing() => {
                return Err(error.into());
            }
            Err(error) => {
                let since = *lost_since.get_or_insert_with(clock::now);
                if clock::now().duration_since(since).as_secs() >= RECONNECT_MAX_S {
                    return Err(error.into());
                }
            }
        }
        if lost_since.is_none() {
            output::note("courant: the stream ended; connecting again");
            lost_since = Some(clock::now());
        }
        clock::pause_ms(500);
    }
}

fn print(event: &Value, out: &mut Output) -> Result<(), Failure> {
    if out.json {
        return out.json_line(event);
    }
    let (data, step) = (&event["data"], &event["data"]["step"]);
    let (id, time) = (cell(event, "id"), cell(event, "time"));
    let (kind, subject) = (cell(event, "type"), cell(event, "subject"));
    let money = show::amount(&kind, step, data).map(|amount| {
        let currency = field(step, "currency").unwrap_or_else(|| cell(data, "currency"));
        format!("{amount} {currency}")
    });
    let details = [money, field(step, "child"), field(&data["reason"], "code")];
    let details = details.into_iter().flatten().collect::<Vec<_>>().join("  ");
    out.line(
        format_args!("{id:>10}  {time}  {kind:<20}  {subject}  {details}").to_string().trim_end(),
    )?;
    out.flush()
}
