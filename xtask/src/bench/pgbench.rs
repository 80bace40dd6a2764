//! Loads on PostgreSQL by its own load generator, pgbench, with prepared statements.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Figures;
use super::cluster::Cluster;
use crate::shell;

/// Tables and functions.
const SCHEMA: &str = include_str!("transfer.sql");

/// What every account begins with: no load empties it.
const FUNDS_MINOR: u64 = 1_000_000_000_000;

/// What each client does again and again. `batch` is how many transfers one transaction makes.
const ONE: &str = "\
\\set debtor random(1, :accounts)
\\set step random(1, :accounts - 1)
\\set creditor 1 + (:debtor + :step - 1) % :accounts
\\set nonce random(1, 9000000000000000000)
SELECT transfer(:client_id || '-' || :nonce, :debtor, :creditor, 1);
";
const MANY: &str = "\
\\set nonce random(1, 9000000000000000000)
SELECT transfers(:client_id || '-' || :nonce, :batch, :accounts);
";

/// How many clients, and how many transfers each makes in a transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) clients: u32,
    pub(super) batch: u32,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} callers, {} in a transaction", self.clients, self.batch))
    }
}

/// Makes the tables and the accounts.
pub(super) fn prepare(cluster: &Cluster, accounts: u32) -> Result<()> {
    let schema = cluster.directory().join("transfer.sql");
    let funds = format!(
        "INSERT INTO accounts SELECT n, {FUNDS_MINOR} FROM generate_series(1, {accounts}) AS n;"
    );
    fs::write(&schema, format!("{SCHEMA}\n{funds}\nVACUUM ANALYZE;\nCHECKPOINT;\n"))?;
    let mut psql = cluster.client("psql");
    psql.args(["--quiet", "--set", "ON_ERROR_STOP=1", "--file"]).arg(&schema);
    shell::output(&mut psql).map(|_| ())
}

pub(super) fn measure(cluster: &Cluster, load: Load, seconds: u32) -> Result<Figures> {
    let Load { clients, batch } = load;
    let script = cluster.directory().join("script.sql");
    fs::write(&script, if batch == 1 { ONE } else { MANY })?;
    let logs = format!("log-{clients}-{batch}");
    let mut pgbench = cluster.client("pgbench");
    pgbench.args(["--no-vacuum", "--protocol", "prepared", "--jobs", "1", "--log"]);
    pgbench.args(["--log-prefix", &logs, "--client", &clients.to_string()]);
    pgbench.args(["--time", &seconds.to_string(), "--define", &format!("batch={batch}")]);
    pgbench.args(["--define", &format!("accounts={}", super::ACCOUNTS), "--file"]).arg(&script);
    let said = shell::output(&mut pgbench)?;
    let transactions = transactions_per_second(&said)
        .with_context(|| format!("pgbench printed no rate:\n{said}"))?;
    let latencies = latencies_us(cluster.directory(), &logs)?;
    ensure!(!latencies.is_empty(), "pgbench made no transaction in {seconds} s");
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize] as f64;
    Ok(Figures {
        transfers_per_second: transactions * f64::from(batch),
        p50_us: at(0.5),
        p99_us: at(0.99),
    })
}

/// The rate in what pgbench prints at its end.
pub(super) fn transactions_per_second(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

/// The latencies of all transactions in pgbench's logs, sorted.
fn latencies_us(directory: &Path, prefix: &str) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let text = fs::read_to_string(entry.path())?;
            all.extend(text.lines().filter_map(latency_us));
        }
    }
    all.sort_unstable();
    Ok(all)
}

/// The third field of a line of pgbench's log.
pub(super) fn latency_us(line: &str) -> Option<u64> {
    line.split(' ').nth(2)?.parse().ok()
}
