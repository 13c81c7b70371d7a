"""English words of opinion and their opposites, written by hand for reviews."""

from __future__ import annotations

# Each row: words of praise | words of blame. A word is replaced by one of the other side of its
# row, so that adjectives stay adjectives, and verbs keep their form.
_ROWS = """
good great excellent wonderful fantastic superb brilliant terrific amazing outstanding marvelous \
magnificent fabulous perfect splendid fine solid remarkable awesome exceptional stunning \
incredible impressive decent nice masterful first-rate flawless | bad awful terrible horrible \
dreadful lousy \
atrocious abysmal poor horrendous pathetic appalling mediocre crappy dire woeful rotten wretched \
shoddy sloppy laughable amateurish worthless unwatchable inferior third-rate flawed
interesting engaging gripping fascinating compelling riveting captivating absorbing exciting \
entertaining enjoyable fun thrilling suspenseful intriguing enthralling lively watchable energetic \
memorable unforgettable delightful | boring dull tedious tiresome uninteresting bland lifeless \
dreary monotonous sluggish tame forgettable insipid flat plodding annoying irritating unbearable \
dismal painful
funny hilarious witty amusing charming humorous | unfunny humorless lame corny cringeworthy
clever smart intelligent thoughtful ingenious inventive original fresh insightful imaginative \
creative subtle sophisticated profound provocative | stupid dumb mindless idiotic silly inane \
unoriginal derivative stale moronic ridiculous absurd pointless shallow brainless cliched \
predictable formulaic pretentious clumsy contrived
believable convincing realistic authentic plausible genuine sincere coherent credible | \
unbelievable unconvincing unrealistic phony implausible fake insincere wooden incoherent stilted \
far-fetched
moving touching heartwarming powerful poignant inspiring uplifting beautiful gorgeous lovely \
breathtaking | manipulative mawkish sappy soulless depressing ugly hideous bleak cheap ghastly
talented gifted skilled likable likeable sympathetic lovable | untalented talentless inept \
incompetent unlikable unlikeable unsympathetic obnoxious
well-made well-written well-acted well-crafted | badly-made badly-written badly-acted ill-conceived
underrated worthwhile worthy rewarding satisfying refreshing | overrated useless unworthy \
unrewarding unsatisfying disappointing
best finest greatest | worst weakest poorest
better superior stronger | worse weaker poorer
funniest smartest | dumbest lamest
masterpiece gem treasure triumph winner delight joy pleasure treat success | disaster mess failure \
dud turkey stinker bore chore disappointment flop trainwreck
masterpieces gems treasures triumphs winners | disasters messes failures duds turkeys stinkers
brilliance talent charm beauty wit intelligence originality excellence | stupidity incompetence \
dullness ugliness idiocy laziness mediocrity
strengths merits virtues | weaknesses flaws faults
love adore enjoy like appreciate admire | hate loathe despise dislike detest
loved adored enjoyed liked appreciated admired | hated loathed despised disliked detested
loves adores enjoys likes | hates loathes despises dislikes
loving enjoying | hating despising
impressed delighted thrilled amazed pleased entertained captivated fascinated hooked | \
disappointed bored annoyed appalled irritated unimpressed disgusted frustrated
succeeds works shines soars excels | fails flounders stumbles sinks falters
succeed shine excel | fail flounder stumble falter
succeeded worked shone excelled | failed floundered stumbled sank
recommend | avoid skip
recommended | avoided
well nicely beautifully brilliantly superbly wonderfully perfectly convincingly skillfully \
masterfully effectively expertly | badly poorly terribly horribly awfully dreadfully ineptly \
unconvincingly clumsily miserably
fortunately thankfully luckily happily | unfortunately sadly regrettably
impressively amazingly remarkably | depressingly embarrassingly painfully
improves enhances elevates | ruins spoils wrecks
improved enhanced elevated saved | ruined spoiled wrecked
satisfaction enjoyment excitement interest | boredom frustration tedium annoyance
"""
OPPOSITES: dict[str, tuple[str, ...]] = {}
for _row in _ROWS.strip().splitlines():
    _praise, _blame = (tuple(side.split()) for side in _row.split("|"))
    OPPOSITES |= dict.fromkeys(_praise, _blame) | dict.fromkeys(_blame, _praise)

# A negation, and what stands in its place when it is taken away.
NEGATIONS = {
    "isn't": "is",
    "wasn't": "was",
    "aren't": "are",
    "weren't": "were",
    "doesn't": "does",
    "didn't": "did",
    "don't": "do",
    "won't": "will",
    "can't": "can",
    "couldn't": "could",
    "wouldn't": "would",
    "not": "",
    "never": "always",
    "hardly": "really",
}
NEGATED = {"is": "isn't", "was": "wasn't", "are": "aren't", "were": "weren't"}
