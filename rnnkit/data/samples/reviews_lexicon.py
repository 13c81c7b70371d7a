"""The words and sentence patterns of the generated data set `sample`; see `sample`."""

from __future__ import annotations

WORDS: tuple[list[str], list[str]] = (
    """awful dull boring clumsy dreadful tedious lifeless tiresome weak wooden predictable shallow
    stale silly messy forgettable terrible bland hollow annoying sloppy pointless dreary
    laughable""".split(),  # noqa: SIM905
    """wonderful gripping charming brilliant superb moving delightful clever inventive excellent
    touching thrilling splendid engaging fresh graceful memorable subtle witty beautiful convincing
    absorbing magnificent rewarding""".split(),  # noqa: SIM905
)
"""Opinions: against (0) and for (1)."""

SLOTS: dict[str, list[str]] = {
    "very": ["very", "really", "truly", "quite", "thoroughly", "genuinely", "so", "remarkably"],
    "film": ["the film", "the movie", "the picture", "this film", "this movie", "the whole thing"],
    "part": [
        "the acting",
        "the script",
        "the camera work",
        "the music",
        "the dialogue",
        "the pacing",
        "the story",
        "the ending",
        "the editing",
        "the lead performance",
        "the first hour",
        "the final act",
        "the opening",
        "the direction",
        "the romance",
    ],
    "rival": [
        "the book",
        "the original",
        "the sequel",
        "the earlier version",
        "the series",
        "the last film by this director",
        "most films of its kind",
        "the stage play",
        "the remake",
    ],
    "people": [
        "my brother",
        "my wife",
        "the critics",
        "a friend of mine",
        "everyone at work",
        "the man in the next seat",
        "my neighbour",
        "half the internet",
        "my daughter",
    ],
    "aside": [
        "at least for me",
        "whatever {people} may say",
        "now that I have slept on it",
        "all things considered",
        "and I have seen it twice",
        "looking back on it",
        "to be fair",
        "if I am honest",
        "after all these years",
        "and I say this as someone who knows {rival}",
    ],
    "hero": [
        "a {mood} {job}",
        "a {job} from {place}",
        "two sisters from {place}",
        "a {mood} {job} and a {job}",
        "a family in {place}",
        "an old {job}",
        "three friends in {place}",
    ],
    "mood": ["retired", "young", "lonely", "stubborn", "restless", "quiet", "penniless", "proud"],
    "job": [
        "detective",
        "teacher",
        "pianist",
        "soldier",
        "farmer",
        "nurse",
        "painter",
        "thief",
        "lawyer",
        "sailor",
        "baker",
        "reporter",
    ],
    "place": [
        "Lisbon",
        "Chicago",
        "a fishing village",
        "the north of Sweden",
        "Buenos Aires",
        "a mining town",
        "Kyoto",
        "the suburbs",
        "Dublin",
        "a border town",
        "Cairo",
        "a seaside resort",
    ],
    "deed": [
        "sold the house",
        "found a box of old letters",
        "got lost in the mountains",
        "took a job at a hotel",
        "had to give evidence in court",
        "met a stranger on a night train",
        "inherited a bakery",
        "searched for a missing child",
        "planned one last robbery",
        "tried to cross the desert",
        "came home after the war",
        "learned to dance",
    ],
    "when": [
        "last night",
        "on a Sunday afternoon",
        "on a long flight",
        "at a small festival",
        "the week it came out",
        "during the holidays",
        "on an old tape",
        "with the family",
        "at a friend's house",
        "at a late showing",
    ],
    "year": ["1939", "1957", "1968", "1974", "1983", "1991", "1999", "2004", "2012", "2019"],
    "length": ["ninety", "a hundred", "a hundred and ten", "over a hundred and forty", "eighty"],
    "thing": [
        "the seats were {any}",
        "the coffee afterwards was {any}",
        "the weather was {any}",
        "the trailer before it looked {any}",
        "the short film before it was {any}",
        "the poster is {any}",
    ],
}
"""What each slot of a pattern can become; the entries may hold slots themselves."""

OPENINGS: list[str] = [
    "I saw this {when}",
    "we watched it {when}",
    "this one was made in {year} and I finally saw it {when}",
    "I had wanted to see this since {year}",
    "{people} gave me a ticket for this",
    "it tells of {hero} in the year {year}",
    "I rented this {when} because of {people}",
    "here is a film about {hero}",
    "I caught this {when} without knowing much about it",
    "{people} and I saw it {when}",
]

DISTRACTIONS: list[str] = [
    "the story is that of {hero} who {deed}",
    "it is set in {place} around {year}, where {hero} {deed}",
    "it runs for {length} minutes",
    "there is a subplot in which {hero} {deed}",
    "we came for the story of {hero}, and {thing}",
    "we were not early, and {thing}",
    "by the way, {thing}, but that has nothing to do with the film",
    "most of it was shot in {place}",
    "it was first shown in {year}, and {people} would not stop talking about it",
    "in the middle {hero} {deed}, and later {hero} {deed}",
    "some of the cast had worked together in {place} before",
    "I do not know {rival}",
]

_STRAIGHT = [
    "{film} is {very} {same}, {aside}",
    "I found {part} {very} {same}, and {part} is {same} as well",
    "{part} is {same}, {part} is {very} {same}, and that is that",
    "{aside}, I think {film} is {very} {same}",
    "what a {same} film, and {part} is {very} {same} too",
]

VERDICTS: list[list[str]] = [
    _STRAIGHT,  # twice: a little that any model can learn gives the rest a start
    _STRAIGHT,
    [  # negation, and its scope
        "I would not say that {part} is {very} {other}",
        "{film} is not, {aside}, {very} {other}",
        "nobody could say of {film} that {part} is {other}",
        "I never had the feeling that {part} was {very} {other}",
        "nothing about {part} struck me as {other}",
        "{film} is anything but a {other} one",
        "I do not agree with {people}, who told me that {film} was {other}",
        "it is not true, {aside}, that {film} is {other}",
    ],
    [  # negation that does not reach the opinion
        "I did not read {rival} first, and {film} is {very} {same}",
        "{film} is not short, and {part} is {very} {same}",
        "nobody told me before that {film} is so {same}",
        "I have never seen anything as {same} as {part} here",
        "I did not leave early, because {part} is {very} {same}",
        "it is not only {part} that is {same}, for {part} is {very} {same} too",
    ],
    [  # but: what comes after it counts
        "{part} is {very} {other}, {aside}, but {film} is {same}",
        "{part} may be {other} and {part} {very} {other}, but in the end {film} is {same}",
        "{people} found it {other}, but I found it {very} {same}",
        "I expected something {very} {other}, but {film} turned out to be {same}",
        "at first {film} seems {other}, but it becomes {very} {same}",
    ],
    [  # although: it excuses what comes after it, on either side
        "although {part} is {very} {other}, {film} is {same}",
        "{film} is {same}, although {part} is {very} {other}",
        "even though {part} is {other}, {aside}, {film} is {very} {same}",
        "{film} is {very} {same}, {aside}, even though {part} is {other}",
        "in spite of a {very} {other} start, {film} is {same}",
        "{film} is {same} in spite of a {very} {other} start",
    ],
    [  # comparison
        "{film} is much more {same} than {rival}",
        "{film} is, {aside}, far less {other} than {rival}",
        "{rival} is far more {other} than {film}",
        "{rival} is, {aside}, much less {same} than {film}",
        "next to {film}, which is {very} {same}, {rival} is {other}",
        "next to {rival}, which is {very} {other}, {film} is {same}",
    ],
    [  # who says it
        "{people} called it {other} and I called it {same}",
        "I called it {same} and {people} called it {other}",
        "{people} promised me something {very} {other}, and that was quite wrong",
        "{people} promised me something {very} {same}, and that was quite right",
        "I think {part} is {same}, whereas {people} thought it {very} {other}",
        "whereas {people} thought {part} {very} {other}, I think it is {same}",
    ],
]
"""Ways of giving the verdict, by what decides; each serves both verdicts."""
