//! The commands: one table that `help`, the search for what was meant, and running them read.

use crate::{Error, clock, console, control, folders, instances, services};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use munal::audit::Instance;
use munal::power::Request;
use munal::time::Duration;
use shell::devices;
use shell::places::Redirection;
use shell::report::{about, hex, long_row};
use shell::show::{share, size};
use shell::suggest::nearest;
use shell::table::{Align, Table};

const CLOCK: clock::time = clock::time;
const CONTROL: control::instances = control::instances;

/// What the shell remembers between commands.
#[derive(Default)]
pub struct Shell {
    /// What `ps` saw last: the time, that spent idle, and each instance's name and processor time.
    seen: Seen,
}

#[derive(Default)]
struct Seen {
    uptime: u64,
    idle: u64,
    cpu: Vec<(String, u64)>,
}

/// Why a command did not do what it should.
pub enum Failure {
    /// To be said to the person.
    Said(String),
    /// The words after the command are not what it takes.
    Usage,
    /// The console is gone.
    Console(Error),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Failure::Said(why)
    }
}

impl From<Error> for Failure {
    fn from(why: Error) -> Self {
        Failure::Console(why)
    }
}

/// How a command went.
pub type Done = Result<(), Failure>;

struct Command {
    name: &'static str,
    takes: &'static str,
    does: &'static str,
    run: fn(&mut Shell, &[&str]) -> Done,
}

const COMMANDS: [Command; 25] = [
    Command { name: "help", takes: "", does: "shows this list", run: Shell::help },
    Command { name: "ps", takes: "[-l]", does: "lists instances; CPU since the last `ps`, or the start; -l: how they are scheduled", run: Shell::ps },
    Command { name: "system", takes: "", does: "shows the system: clocks, entropy, boot times, where the CPU's time went", run: Shell::system },
    Command { name: "log", takes: "NAME", does: "shows an instance's log", run: Shell::log },
    Command { name: "grants", takes: "NAME", does: "shows what an instance may do", run: Shell::grants },
    Command { name: "start", takes: "NAME", does: "starts an instance that does not run", run: Shell::start },
    Command { name: "stop", takes: "NAME", does: "ends an instance", run: Shell::stop },
    Command { name: "restart", takes: "NAME", does: "ends an instance and starts it anew", run: Shell::restart },
    Command { name: "uptime", takes: "", does: "shows for how long the system has run", run: Shell::uptime },
    Command { name: "date", takes: "", does: "shows the date and time", run: Shell::date },
    Command { name: "pci", takes: "", does: "lists the machine's PCI functions", run: Shell::pci },
    Command { name: "random", takes: "COUNT", does: "shows random bytes, 1 to 1024", run: Shell::random },
    Command { name: "echo", takes: "WORD... [> FILE]", does: "says the words, or writes them to a file; >> FILE: behind what is there", run: Shell::echo },
    Command { name: "ls", takes: "[PATH]", does: "lists a folder; without a path, where files are", run: |_, words| folders::list(words) },
    Command { name: "cat", takes: "FILE...", does: "shows what is in files", run: |_, words| folders::show(words) },
    Command { name: "mkdir", takes: "FOLDER", does: "makes a folder", run: |_, words| folders::make_folder(words) },
    Command { name: "rm", takes: "PATH...", does: "removes files and empty folders", run: |_, words| folders::remove(words) },
    Command { name: "mv", takes: "FROM TO", does: "gives a file or a folder another path", run: |_, words| folders::rename(words) },
    Command { name: "cp", takes: "FROM TO", does: "copies a file", run: |_, words| folders::copy(words) },
    Command { name: "df", takes: "", does: "shows how much room files have", run: |_, words| folders::space(words) },
    Command { name: "sync", takes: "", does: "waits until what was written outlives a loss of power", run: |_, words| folders::sync(words) },
    Command { name: "version", takes: "", does: "shows what runs here", run: Shell::version },
    Command { name: "reset", takes: "", does: "starts the machine anew", run: Shell::reset },
    Command { name: "poweroff", takes: "", does: "turns the machine off", run: Shell::power_off },
    Command { name: "exit", takes: "CODE", does: "ends the emulator with a code, 0 to 255", run: Shell::exit },
];

impl Shell {
    /// Says what runs here.
    pub fn greet(&self) -> Result<(), Error> {
        match instances::system() {
            Ok(it) => {
                console::say(&format!("{} {}, profile {}. `help` lists what can be done.\n", it.name, it.version, it.profile))
            }
            Err(why) => console::say(&format!("{why}\n")),
        }
    }

    /// Runs one line. Errors: those of the console; all others are said there.
    pub fn run(&mut self, line: &str) -> Result<(), Error> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((name, arguments)) = words.split_first() else { return Ok(()) };
        let Some(command) = COMMANDS.iter().find(|command| command.name == *name) else {
            return console::say(&unknown(name));
        };
        match (command.run)(self, arguments) {
            Ok(()) => Ok(()),
            Err(Failure::Said(why)) => console::say(&format!("{name}: {why}\n")),
            Err(Failure::Usage) => {
                console::say(&format!("usage: {name}{}{}\n", if command.takes.is_empty() { "" } else { " " }, command.takes))
            }
            Err(Failure::Console(why)) => Err(why),
        }
    }

    fn help(&mut self, arguments: &[&str]) -> Done {
        let [] = arguments else { return Err(Failure::Usage) };
        let mut table = Table::new(&[("COMMAND", Align::Left), ("", Align::Left)]);
        for command in &COMMANDS {
            table.row([format!("{} {}", command.name, command.takes), command.does.into()]);
        }
        Ok(console::say(&table.text())?)
    }

    fn ps(&mut self, arguments: &[&str]) -> Done {
        match arguments {
            [] => {}
            ["-l"] => return long_list(),
            _ => return Err(Failure::Usage),
        }
        let (system, all) = (instances::system()?, instances::all()?);
        let time = system.uptime.saturating_sub(self.seen.uptime);
        let mut table = Table::new(&[
            ("NAME", Align::Left),
            ("APP", Align::Left),
            ("STATE", Align::Left),
            ("CPU", Align::Right),
            ("MEMORY", Align::Right),
            ("PEAK", Align::Right),
            ("LIMIT", Align::Right),
            ("RESTARTS", Align::Right),
            ("ERROR", Align::Left),
        ]);
        for it in &all {
            table.row(row(it, self.seen.cpu_of(&it.name), time));
        }
        let idle = share(system.idle.saturating_sub(self.seen.idle), time);
        let used = system.memory_total.saturating_sub(system.memory_free);
        console::say(&table.text())?;
        console::say(&format!("{} of {} memory used, processor {idle} idle\n", size(used), size(system.memory_total)))?;
        self.seen = Seen { uptime: system.uptime, idle: system.idle, cpu: all.into_iter().map(|it| (it.name, it.cpu)).collect() };
        Ok(())
    }

    fn log(&mut self, arguments: &[&str]) -> Done {
        let [name] = arguments else { return Err(Failure::Usage) };
        let index = instances::index_of(name)?;
        Ok(instances::each_part_of_log(index, console::say_bytes)?)
    }

    fn grants(&mut self, arguments: &[&str]) -> Done {
        let [name] = arguments else { return Err(Failure::Usage) };
        let index = instances::index_of(name)?;
        Ok(instances::each_part_of_grants(index, console::say_bytes)?)
    }

    fn start(&mut self, arguments: &[&str]) -> Done {
        control(arguments, |name| CONTROL.start(name))
    }

    fn stop(&mut self, arguments: &[&str]) -> Done {
        control(arguments, |name| CONTROL.stop(name))
    }

    fn restart(&mut self, arguments: &[&str]) -> Done {
        control(arguments, |name| CONTROL.restart(name))
    }

    fn uptime(&mut self, arguments: &[&str]) -> Done {
        let [] = arguments else { return Err(Failure::Usage) };
        Ok(console::say(&format!("up {}\n", Duration(CLOCK.now())))?)
    }

    fn date(&mut self, arguments: &[&str]) -> Done {
        let [] = arguments else { return Err(Failure::Usage) };
        Ok(console::say(&format!("{}\n", services::date()?))?)
    }

    fn system(&mut self, arguments: &[&str]) -> Done {
        let [] = arguments else { return Err(Failure::Usage) };
        console::say(&about(&instances::system()?))?;
        match services::kernels_date() {
            Ok(date) => Ok(console::say(&format!("time of day:  {date}\n"))?),
            Err(why) => Ok(console::say(&format!("time of day:  {why}\n"))?),
        }
    }

    fn pci(&mut self, arguments: &[&str]) -> Done {
        let [] = arguments else { return Err(Failure::Usage) };
        Ok(console::say(&devices::list(&services::pci_functions()?))?)
    }

    fn random(&mut self, arguments: &[&str]) -> Done {
        let [count] = arguments else { return Err(Failure::Usage) };
        let count = count.parse().ok().filter(|count| (1..=1024).contains(count)).ok_or(Failure::Usage)?;
        let mut bytes = alloc::vec![0; count];
        services::random(&mut bytes)?;
        Ok(console::say(&format!("{}\n", hex(&bytes)))?)
    }

    fn echo(&mut self, arguments: &[&str]) -> Done {
        let (words, to) = Redirection::split(arguments).ok_or(Failure::Usage)?;
        let line = format!("{}\n", words.join(" "));
        match to {
            None => Ok(console::say(&line)?),
            Some(to) => folders::write(&to, line.as_bytes()),
        }
    }

    fn version(&mut self, arguments: &[&str]) -> Done {
        let [] = arguments else { return Err(Failure::Usage) };
        let it = instances::system()?;
        Ok(console::say(&format!("{} {}, profile {}, {} instances\n", it.name, it.version, it.profile, it.instances))?)
    }

    fn reset(&mut self, arguments: &[&str]) -> Done {
        let [] = arguments else { return Err(Failure::Usage) };
        end(Request::Reset)
    }

    fn power_off(&mut self, arguments: &[&str]) -> Done {
        let [] = arguments else { return Err(Failure::Usage) };
        end(Request::Off)
    }

    fn exit(&mut self, arguments: &[&str]) -> Done {
        let [code] = arguments else { return Err(Failure::Usage) };
        let code = code.parse().map_err(|_| Failure::Usage)?;
        end(Request::Exit(code))
    }
}

impl Seen {
    fn cpu_of(&self, name: &str) -> u64 {
        self.cpu.iter().find(|(known, _)| known == name).map_or(0, |(_, cpu)| *cpu)
    }
}

/// Has the machine's run end, with what was written to files kept where that can be.
fn end(request: Request) -> Done {
    if let Err(Failure::Said(why)) = folders::sync_all() {
        console::say(&format!("{why}\n"))?;
    }
    Ok(services::end(request)?)
}

/// `ps -l`: how instances are scheduled, and what they exchange.
fn long_list() -> Done {
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("STATE", Align::Left),
        ("UP", Align::Right),
        ("PRIORITY", Align::Left),
        ("SHARE", Align::Right),
        ("PERIOD", Align::Right),
        ("CPU ms", Align::Right),
        ("THROTTLED ms", Align::Right),
        ("SWITCHES", Align::Right),
        ("WAKE-UPS", Align::Right),
        ("SENT", Align::Right),
        ("RECEIVED", Align::Right),
        ("HANDLES", Align::Right),
    ]);
    for it in instances::all()? {
        table.row(long_row(it));
    }
    Ok(console::say(&table.text())?)
}

/// One line of `ps`: `before` is the instance's processor time at the last one, `time` what has passed since.
fn row(it: &Instance, before: u64, time: u64) -> [String; 9] {
    // An instance that was started anew may count from 0 again.
    let cpu = it.cpu.checked_sub(before).unwrap_or(it.cpu);
    let restarts = if it.restarts == 0 { String::new() } else { format!("{}", it.restarts) };
    [
        it.name.clone(),
        it.app.clone(),
        it.state.clone(),
        share(cpu, time),
        size(it.memory),
        size(it.memory_peak),
        size(it.memory_limit),
        restarts,
        it.error.clone(),
    ]
}

fn control(arguments: &[&str], act: impl FnOnce(&[u8]) -> Result<u32, Error>) -> Done {
    let [name] = arguments else { return Err(Failure::Usage) };
    if CONTROL.granted() == 0 {
        return Err(String::from("this shell is not granted control of any instance").into());
    }
    instances::index_of(name)?;
    match act(name.as_bytes()) {
        Ok(_) => Ok(()),
        Err(Error::Refused) => Err(format!("this shell may not control `{name}`").into()),
        Err(why) => Err(format!("{why}").into()),
    }
}

fn unknown(name: &str) -> String {
    match nearest(name, COMMANDS.iter().map(|command| command.name)) {
        Some(meant) => format!("there is no command `{name}`; did you mean `{meant}`?\n"),
        None => format!("there is no command `{name}`; `help` lists them\n"),
    }
}
