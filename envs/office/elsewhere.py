"""Requests that no Office tool can fulfil (level irrelevant)."""

from __future__ import annotations

from .vocabulary import slice_of

ELSEWHERE: tuple[tuple[str, str], ...] = (
    (
        "order food",
        "(order|get) (a pizza|two pizzas|a salad|sushi|sandwiches) (for lunch|for dinner|for the team|to my desk)",
    ),
    ("translate a text", "(translate|put) this into (French|German|Spanish|Italian|Dutch): {body}"),
    ("tell the weather", "(tell me|check) (the weather|whether it will rain|how warm it will be) in {city} {@day}"),
    ("play music", "(play|put on) (some jazz|a piano concert|something quiet|the radio|my favourite album)"),
    ("change the heating", "(turn up|turn down|switch off) the heating in (my office|the lobby|the canteen)"),
    ("make a phone call", "(call|ring up|phone) {person} (right away|this minute|now) and connect me"),
    ("water the plants", "(water|repot|take care of) the plants (on my desk|by the window|in the lobby)"),
    (
        "print a document",
        "(print|copy) {pages} pages (on both sides|in colour|in black and white) on the printer (upstairs|next door)",
    ),
    ("order a taxi", "(order|call|get) me a (taxi|cab) to the (airport|station|hotel)"),
    (
        "repair a device",
        "(repair|fix) (the printer|my laptop|the projector), which (makes noises|does not start)",
    ),
    (
        "write code",
        "(write|program) a (script|small program) that (sorts numbers|renames files|counts words)",
    ),
    (
        "convert units",
        "(convert|work out) {pages} (miles in kilometres|pounds in kilograms|gallons in litres|feet in metres)",
    ),
    ("follow the news", "(tell me|read me) (the news|the headlines|the football results) of today"),
    ("trade shares", "(buy|sell) {pages} shares of {company} at the stock exchange"),
    (
        "draw a picture",
        "(draw|paint|design) (a logo|a poster|a cartoon) with (a cat|a lighthouse|a sailing boat) on it",
    ),
    ("send a parcel", "(send|ship) a parcel to {city} by (courier|express)"),
    ("unlock a door", "(unlock|open|lock) the door of (the basement|the archive|the back entrance)"),
    ("give medical advice", "(tell me|say) what (helps against|to do about) (a headache|a sore throat|back pain)"),
    (
        "order supplies from a shop",
        "(order|buy) {pages} (pens|notebooks|envelopes|staplers) from the (shop|online shop)",
    ),
    ("set an alarm clock", "(set|start) (an alarm|a timer) for {pages} minutes on my phone"),
    ("solve equations", "(solve|work out) the equation {pages} x + 7 = 3 x"),
    (
        "book a restaurant table",
        "(book|reserve) a table for (two|three|four|six) at (an Italian|a Thai|a French) restaurant in {city}",
    ),
    ("post on social media", "(post|publish) this on (our social media|the company blog): {body}"),
    ("edit a photo", "(crop|brighten|resize) the (photo|picture) of {person}"),
    ("find a recipe", "(find|suggest) a recipe for (lentil soup|apple cake|a quick pasta)"),
    ("pay a bill", "(pay|settle) the (electricity|water|phone) bill of {pages} euros"),
    ("change a password", "(change|reset) the password of (my laptop|the wireless network|my bank account)"),
    ("give directions", "(tell me|show me) the way from (the station|the airport) in {city} to the (museum|town hall)"),
    ("hire a cleaner", "(hire|send for) somebody to clean (the windows|the carpets|the fridge)"),
    ("record a meeting", "(record|film) (the talk|the speech) of {person} on video"),
    ("test a web page", "(check|test) how fast the web page of {company} loads"),
    ("write a poem", "(write|compose) (a poem|a song|a limerick) about {city}"),
    ("charge a car", "(charge|plug in) the (company car|electric van) (in the garage|outside)"),
    ("rent a bicycle", "(rent|hire) a (bicycle|scooter) in {city} {@day}"),
    ("transcribe speech", "(transcribe|type out) the voice message that {person} left me"),
    ("bake a cake", "(bake|decorate) a cake for the birthday of {person}"),
    ("look at the stars", "(tell me|say) which planets can be seen from {city} {@day}"),
    ("feed the fish", "(feed|look after) the fish in the (lobby|waiting room)"),
    ("compare prices", "(compare|look up) what a (laptop|monitor|desk) costs in the shops of {city}"),
    ("tell a joke", "(tell|write) me a joke about (printers|meetings|Mondays)"),
)
"""For each request its gist ("order food") and a template that asks for it (see toolgym/tasks/grammar.py)."""

ELSEWHERE_OF = {split: slice_of(ELSEWHERE, split) for split in ("train", "val", "test")}
