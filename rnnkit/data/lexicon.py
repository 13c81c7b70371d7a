"""English word lists of the text pipeline: abbreviations, stop words, negations."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _table(text: str) -> dict[str, str]:
    return dict(pair.strip().split(" = ") for pair in text.split(";"))


# Chat spellings. Single letters with another meaning in ordinary prose ("rated r", "b movie",
# "2 stars") are left out: they occur only in pairs.
_CHAT = _table(
    """
    u = you; ur = your; u r = you are; r u = are you; ya = you; pls = please; plz = please;
    thx = thanks; thnx = thanks; tnx = thanks; ty = thank you; tysm = thank you so much;
    bc = because; b/c = because; cuz = because; coz = because; b4 = before; w/ = with;
    w/o = without; abt = about; tho = though; thru = through; ppl = people; msg = message;
    gr8 = great; l8r = later; 2nite = tonight; tmrw = tomorrow; btw = by the way;
    imo = in my opinion; imho = in my humble opinion; afaik = as far as i know;
    iirc = if i recall correctly; fyi = for your information; idk = i do not know;
    dunno = do not know; irl = in real life; tbh = to be honest; asap = as soon as possible;
    aka = also known as; a.k.a = also known as; a.k.a. = also known as; omg = oh my god;
    wtf = what the fuck; lol = laughing out loud; rofl = rolling on the floor laughing;
    gonna = going to; wanna = want to; gotta = got to; kinda = kind of; sorta = sort of;
    lotta = lot of; outta = out of; lemme = let me; gimme = give me
    """
)
# Contractions that lost their apostrophe: negation must not depend on typing. ("ill", "well",
# "wed", "shell", "hell", "were", "its", "lets" are words of their own.)
_CONTRACTIONS = _table(
    """
    aint = ain't; arent = aren't; cant = can't; couldnt = couldn't; didnt = didn't;
    doesnt = doesn't; dont = don't; hadnt = hadn't; hasnt = hasn't; havent = haven't;
    isnt = isn't; mustnt = mustn't; neednt = needn't; shouldnt = shouldn't; wasnt = wasn't;
    werent = weren't; wont = won't; wouldnt = wouldn't; im = i'm; ive = i've; youre = you're;
    youve = you've; theyre = they're; theyve = they've; thats = that's; whats = what's
    """
)
ABBREVIATIONS: dict[str, str] = _CHAT | _CONTRACTIONS
"""Abbreviations and their full forms; extend it with ``ABBREVIATIONS | {"thnks": "thanks"}``."""

NEGATIONS: frozenset[str] = _words(
    """
    no not nor neither never none nobody nothing nowhere without cannot but against hardly
    barely scarcely rarely few too ain't aren't can't couldn't daren't didn't doesn't don't
    hadn't hasn't haven't isn't mightn't mustn't needn't oughtn't shan't shouldn't wasn't
    weren't won't wouldn't
    """
)
"""Negating or limiting words, which the stop list ``"keep-negations"`` keeps."""

STOP_WORDS: frozenset[str] = NEGATIONS | _words(
    """
    i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his
    himself she her hers herself it its itself they them their theirs themselves one ones i'm
    i've i'd i'll you're you've you'd you'll he's he'd he'll she's she'd she'll it's it'd it'll
    we're we've we'd we'll they're they've they'd they'll that's there's here's what's who's
    where's this that these those who whom whose which what when where why how a an the some
    any each every both either all more most other such own same am is are was were be been
    being have has had having do does did doing done can could may might must shall should will
    would ought and or if because as until while so than though although whether unless since
    of at by for with about between among into onto upon through during before after above
    below to from up down in out on off over under across along around behind beside toward
    towards within again further then once here there now just only very also ever even quite
    rather still yet etc
    """
)
"""The full list of English stop words, negations included."""
