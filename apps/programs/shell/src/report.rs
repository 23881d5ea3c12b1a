//! What `ps -l` and `system` say, in words.

use crate::show::{share, size};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use munal::audit::{Instance, System};
use munal::time::{Duration, MILLISECOND};

/// One line of `ps -l`.
pub fn long_row(it: Instance) -> [String; 13] {
    let state = match it.starts_in {
        Some(wait) => format!("{} in {} ms", it.state, wait.div_ceil(MILLISECOND)),
        None => it.state,
    };
    [
        it.name,
        state,
        if it.up == 0 { String::new() } else { format!("{}", Duration(it.up)) },
        it.priority,
        share(it.share, 1000),
        format!("{} ms", it.period / MILLISECOND),
        format!("{}", it.cpu / MILLISECOND),
        format!("{}", it.throttled / MILLISECOND),
        format!("{}", it.switches),
        format!("{}", it.wakeups),
        format!("{}", it.sent),
        format!("{}", it.received),
        format!("{} of {}", it.handles, it.handles_limit),
    ]
}

/// What `system` says, without the time of day.
pub fn about(it: &System) -> String {
    let micros = |time: u64| format!("{}.{:03} ms", time / MILLISECOND, time % MILLISECOND / 1000);
    let stages: Vec<String> = it.boot.iter().map(|(stage, time)| format!("{} {}", stage.replace('_', " "), micros(*time))).collect();
    let known = if it.clock_ppm == 0 { String::new() } else { format!(", known to {} ppm", it.clock_ppm) };
    let seeds = if it.entropy_seeds == 0 { "not enough yet".into() } else { format!("seeded {} times", it.entropy_seeds) };
    let told = it.idle + it.kernel_cpu + it.cpu;
    [
        format!("system:       {} {}, profile {}, kernel {}\n", it.name, it.version, it.profile, it.kernel),
        format!("table:        {}\n", hex(&it.digest)),
        format!("boot:         {}\n", stages.join(", ")),
        format!("up:           {}\n", micros(it.uptime)),
        format!("processor:    {} told of: instances {}, kernel {}, idle {}\n", micros(told), micros(it.cpu), micros(it.kernel_cpu), micros(it.idle)),
        format!("memory:       {} of {} free\n", size(it.memory_free), size(it.memory_total)),
        format!("clock:        {}{known}\n", it.clock),
        format!("entropy:      {}; {seeds}\n", if it.entropy.is_empty() { "no source" } else { &it.entropy }),
    ]
    .concat()
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_told_of_line_by_line() {
        let it = System {
            name: "munal".into(),
            uptime: 2_000_000_000,
            cpu: 390_000_000,
            idle: 1_500_000_000,
            kernel_cpu: 100_000_000,
            digest: Vec::from([0xab, 1]),
            clock_ppm: 3,
            entropy: "rdrand, jitter".into(),
            entropy_seeds: 2,
            boot: Vec::from([("first_line".into(), 130_500_000)]),
            ..System::default()
        };
        let text = about(&it);
        for line in [
            "table:        ab01\n",
            "boot:         first line 130.500 ms\n",
            "processor:    1990.000 ms told of: instances 390.000 ms, kernel 100.000 ms, idle 1500.000 ms\n",
            ", known to 3 ppm\n",
            "entropy:      rdrand, jitter; seeded 2 times\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(about(&System::default()).contains("no source; not enough yet"));
    }

    #[test]
    fn one_that_waits_for_its_start_says_so() {
        let row = long_row(Instance { state: "restarting".into(), starts_in: Some(1_500_001), share: 205, ..Instance::default() });
        assert_eq!((row[1].as_str(), row[2].as_str(), row[4].as_str()), ("restarting in 2 ms", "", "20.5 %"));
    }
}
