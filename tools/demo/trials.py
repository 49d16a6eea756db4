"""The requests to try: what each shows, its curl line, and what it must answer."""

import subprocess
from dataclasses import dataclass
from shlex import quote

from places import Places


@dataclass(frozen=True)
class Trial:
    """One request at a node's ingress, and the answer that it must get."""

    shows: str
    node: str
    host: str
    status: int
    body: str = ""
    path: str = "/"
    header: str | None = None

    def command(self, places: Places) -> list[str]:
        extra = ["-H", self.header] if self.header else []
        url = f"http://{places[self.node + '.ingress']}{self.path}"
        return ["curl", "-i", "-H", f"Host: {self.host}", *extra, url]

    def line(self, places: Places) -> str:
        return " ".join(quote(word) if " " in word else word for word in self.command(places))

    def run(self, places: Places) -> "Answer":
        command = self.command(places)
        done = subprocess.run([*command, "-sS", "--max-time", "10"], capture_output=True, text=True, check=False)
        if done.returncode:
            return Answer(0, "", done.stderr.strip())
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        status, *headers = head.split("\n")
        kept = sorted(header for header in headers if not header.lower().startswith("date:"))
        return Answer(int(status.split()[1]), "\n".join(kept), body.rstrip("\n"))


@dataclass(frozen=True)
class Answer:
    """What came back: a status (0 without an answer), the headers but for `date`, and the body."""

    status: int
    headers: str
    body: str

    def __str__(self) -> str:
        return f"{self.status or 'no answer:'} {self.body}".rstrip()

    def fits(self, trial: Trial) -> bool:
        return (self.status, self.body) == (trial.status, trial.body)


DASHBOARD = "dashboard.403.stuartpb.com"
NOTES = "notes.stuartpb.com"
STATUS = "status.stuartpb.com"

TRIALS = [
    Trial(
        "The dashboard runs on studtop: asked for there, it is served there.",
        "studtop", DASHBOARD, 200, "dashboard/, served on studtop; asked for at this node",
    ),
    Trial(
        "Asked for at stuchip, it is fetched from studtop: any node of the zone answers for all.",
        "stuchip", DASHBOARD, 200,
        "dashboard/, served on studtop; asked for by zone 403, by way of 403/stuchip",
    ),
    Trial(
        "The notes run on both: the node that is asked serves them.",
        "stuchip", NOTES, 200, "notes/, served on stuchip; asked for at this node",
    ),
    Trial(
        "From the internet: the public node passes the request into the household.",
        "edge", NOTES, 200, "notes/, served on studtop; asked for by zone exposed, by way of exposed/edge",
    ),
    Trial(
        "The other way, over two hops: stuchip cannot dial out, studtop can.",
        "stuchip", STATUS, 200,
        "status/, served on edge; asked for by zone 403, by way of 403/stuchip, 403/studtop",
    ),
    Trial("The internet may not ask for the dashboard.", "edge", DASHBOARD, 404),
    Trial("Nor learn that there is one: a host that nobody has gets the same answer.", "edge", "nothing.stuartpb.com", 404),
    Trial("Saying that it comes from the household does not help.", "edge", DASHBOARD, 404, header="x-zoneway-source: 403"),
    Trial("A path can be exposed to fewer than its host.", "edge", NOTES, 404, path="/admin"),
    Trial(
        "The household may ask for it.",
        "studtop", NOTES, 200, "notes/admin, served on studtop; asked for at this node", path="/admin",
    ),
]

# Of the two refusals that must be the same, byte for byte, but for their date.
TWINS = (5, 6)

# A change of the site file while everything runs (a command, from the project's folder), and the request that shows it.
EDIT = f"sed -i 's/{DASHBOARD}: .*/{DASHBOARD}: {{service: dashboard, expose_to: [403, exposed]}}/' .zoneway/demo/site.yaml"
EDITED = Trial(
    "Now the internet may, and nothing was restarted.",
    "edge", DASHBOARD, 200, "dashboard/, served on studtop; asked for by zone exposed, by way of exposed/edge",
)
