use super::*;

/// Measures, does not judge: `cargo test --release --lib aws::tests::speed -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn what_a_cycle_costs() {
    let mut bench = bench().await;
    bench.sandbox.keep_calls(false);
    let cycles = 1000;
    for round in 0..3 {
        let (cpu, wall) = (cpu_seconds(), tokio::time::Instant::now());
        let calls = bench.sandbox.call_count();
        for n in 0..cycles {
            bench.name = RequestId::new(format!("request{round}{n:05}"));
            let ana = bench.find(&admin(), "ana@example.com", None).await.unwrap();
            bench.look(&ana, &admin()).await.unwrap();
            bench.give(&ana, &admin()).await;
            bench.take(&ana, &admin()).await;
        }
        let calls = bench.sandbox.call_count() - calls;
        println!(
            "{cycles} cycles, {calls} calls: {:.3} ms CPU and {:.3} ms wall per cycle, sandbox included",
            (cpu_seconds() - cpu) * 1000.0 / f64::from(cycles),
            wall.elapsed().as_secs_f64() * 1000.0 / f64::from(cycles),
        );
        let cpu = cpu_seconds();
        let ana = sso_user(ANA);
        for _ in 0..10_000 {
            bench.look(&ana, &admin()).await.unwrap();
        }
        println!("one look in an open session: {:.1} us CPU", (cpu_seconds() - cpu) * 100.0);
        let cpu = cpu_seconds();
        for n in 0..5_000 {
            bench.name = RequestId::new(format!("opening{round}{n:05}"));
            bench.look(&ana, &admin()).await.unwrap();
        }
        println!("the same in a new one: {:.1} us CPU", (cpu_seconds() - cpu) * 200.0);
        let open = bench.aws.inner.chain.open(&bench.session(&admin())).await.unwrap();
        let cpu = cpu_seconds();
        for _ in 0..20_000 {
            let credentials = aws_sdk_sts::config::Credentials::new("a", "b", None, None, "c");
            clients::Clients::of_a_role(&open, SSO, credentials, 0).sso_admin();
        }
        println!("making one client: {:.1} us CPU", (cpu_seconds() - cpu) * 50.0);
    }
}

/// User and system time of this process so far, in hundredths of a second as Linux counts them.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}
