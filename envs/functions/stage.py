"""Functions for performers: music, theatre, film, festivals."""

from __future__ import annotations

from .function import Function, Parameter
from .values import PERSON, clock, decimal, flag, integer, one_of, quoted, several, words

PLAYS = quoted(
    "The Glass Ferryman, Nine Owls, A House of Smoke, The Tin Duchess, Salt and Thunder, Midnight Orchard, The Last "
    "Cartwright, Paper Wolves, Seven Doors Down, The Moth Judge, Winter Applause, A Crown for Pia, The Borrowed Moon, "
    "Rust and Violets, Below the Bell, The Patient Widow, Crows at Noon, A Quiet Mutiny, The Ivory Lantern, Two Coats "
    "of Rain, The Lemon Heir, Echoes of Tarn, The Hollow Prince, Letters to Nobody"
)
BANDS = words(
    "Velvet Anchors, Rusty Comets, Paper Tigresses, Low Tide Choir, Neon Shepherds, Static Orchids, Hollow Pines, "
    "Copper Saints, Midnight Ferry, Glass Parade, Wild Ledger, The Tin Sparrows, Echo Farmers, Lunar Cousins, Sugar "
    "Vandals, Broken Sundials, Northern Moths, Cardboard Kings, Salt Circus, Violet Engines, Dusty Planets, Slow "
    "Lightning, Marble Foxes, Iron Daisies"
)

STAGE = (
    Function(
        "transpose_chords",
        "Move the chords of a song up or down by semitones.",
        (
            Parameter(
                "chords",
                several(
                    words(
                        "C, Am, F, G7, Dm, E7, Bb, Gm, D, A7, Em, Fmaj7, Cm, Ab, Bm, Eb, F#m, Dsus4, G, Cmaj7, B7, "
                        "Ebm, Asus2, C#m"
                    ),
                    3,
                    4,
                ),
                "Chord symbols in order.",
                also=("progression", "chord_list"),
            ),
            Parameter(
                "semitones", integer(2, 11, spelled=True), "By how many semitones.", also=("steps", "half_steps")
            ),
            Parameter("direction", one_of("up, down"), "Where the chords move.", also=("way",)),
        ),
        (
            "Transpose the chords {chords} by {semitones} semitones, going {direction}.",
            "Our singer cannot reach the top notes. What do the chords {chords} become when they move by {semitones} "
            "semitones, namely {direction}?",
            "By {semitones} semitones {direction}, please shift this progression: {chords}.",
            "I play {chords} on the guitar. Give me the chords that lie {semitones} semitones further {direction}.",
            "Chord progression: {chords}. Transposition: {semitones} semitones {direction}.",
            "How does the sequence of chords {chords} read after a shift by {semitones} semitones, direction "
            "{direction}?",
        ),
        also=("shift_chords", "chord_transposition"),
    ),
    Function(
        "passage_seconds",
        "Compute how long a passage of a score lasts.",
        (
            Parameter("bars", integer(8, 220), "Number of bars.", also=("measures", "bar_count")),
            Parameter("tempo", integer(48, 208), "Tempo in beats per minute.", also=("bpm",)),
            Parameter(
                "beats_per_bar",
                integer(2, 9, spelled=True),
                "Beats in each bar. Default is 4.",
                needed=False,
                also=("meter",),
            ),
        ),
        (
            "How long do {bars} bars take at {tempo} beats per minute[ with {beats_per_bar} beats to the bar]?",
            "The overture has {bars} bars[ of {beats_per_bar} beats] and the conductor takes it at {tempo} beats a "
            "minute. What is its length in seconds?",
            "(Compute|Tell me) the playing time: tempo {tempo} bpm, {bars} bars[, {beats_per_bar} beats per bar].",
            "My metronome is set to {tempo}. If I play {bars} bars, how many seconds go by?",
            "At tempo {tempo}, what is the duration of a solo of {bars} bars[ when a bar counts {beats_per_bar} "
            "beats]?",
            "The cellist practises an etude {bars} bars long[, each bar with {beats_per_bar} beats]. Played at "
            "{tempo} bpm, how long is it?",
        ),
        (
            (
                "How many seconds do these passages last: {each}?",
                "{bars} bars at {tempo} bpm[ with {beats_per_bar} beats to the bar]",
            ),
            ("Give me the length of {each}.", "a piece of {bars} bars at {tempo} beats per minute"),
        ),
        also=("score_duration", "bars_to_seconds"),
        abouts=("Length in seconds of some bars of music at a tempo.",),
    ),
    Function(
        "cast_role",
        "Give an actor a role in a play.",
        (
            Parameter("play", PLAYS, "Title of the play.", also=("production", "play_title")),
            Parameter(
                "role",
                words(
                    "the butler, the ghost, the admiral, the baker's wife, the oldest son, the thief, the narrator, "
                    "the queen's maid, the blind poet, the innkeeper, the false priest, the twin sister, the soldier, "
                    "the hangman, the fisherman, the young bride, the jester, the spy, the captain, the orphan, the "
                    "landlord, the witch, the messenger, the judge's clerk"
                ),
                "The role, with its article.",
                also=("part", "character"),
            ),
            Parameter("actor", PERSON, "Full name of the actor.", also=("performer", "cast_member")),
            Parameter(
                "understudy",
                flag("as an understudy", "as the first choice"),
                "True if the actor only stands in. Default is false.",
                needed=False,
                also=("stand_in",),
            ),
        ),
        (
            "(Cast|Put down) {actor} for the role of {role} in {play}[ {understudy}].",
            "We are staging {play}, and I want {actor} to play {role}[ {understudy}]. Please enter it.",
            "Could you give {role} in our production of {play} to {actor}[, {understudy}]?",
            "The audition went on for hours, but {actor} was wonderful. Let the cast list of {play} show that name "
            "next to {role}.",
            "Cast list of {play}: {role} goes to {actor}[ {understudy}].",
            "Assign the part of {role}[ {understudy}] to {actor}; the play is {play}.",
        ),
        (
            ("Fill these roles: {each}.", "{role} in {play} with {actor}[ {understudy}]"),
            ("Cast {each}.", "{actor} as {role} in {play}"),
        ),
        also=("assign_part", "role_casting"),
    ),
    Function(
        "hold_seats",
        "Hold theatre seats at the box office.",
        (
            Parameter("play", PLAYS, "Title of the play.", also=("show", "performance")),
            Parameter(
                "row", one_of("A, B, C, D, E, F, G, H, J, K"), "Letter of the row.", also=("seat_row", "row_letter")
            ),
            Parameter("seats", several(integer(2, 36), 2, 4), "Seat numbers.", also=("seat_numbers", "places")),
        ),
        (
            "Hold seats {seats} in row {row} for {play}.",
            "I will collect my tickets at the box office. Can you keep row {row}, seats {seats}, for me? The play is "
            "{play}.",
            "For {play}, (set aside|block) row {row}: seats {seats}.",
            "My grandparents adore the stage. I would like them to see {play} from row {row}; the seats would be "
            "{seats}. Hold those.",
            "Box office, please hold for {play}: row {row}, seats {seats}.",
            "Are the seats {seats} of row {row} still free when {play} is on? Then put a hold on them.",
        ),
        also=("box_office_hold", "keep_seats"),
    ),
    Function(
        "add_to_lineup",
        "Place a band in the running order of a festival.",
        (
            Parameter("band", BANDS, "Name of the band.", also=("act", "artist")),
            Parameter(
                "stage",
                words(
                    "Meadow Stage, River Tent, Barn Stage, Moon Arena, Cliff Stage, Blue Dome, Forest Floor, Main "
                    "Deck, Sunset Stage, Hangar Two, Pond Stage, Red Marquee"
                ),
                "Stage of the festival, without an article.",
                also=("stage_name", "where"),
            ),
            Parameter(
                "start", clock(11, 23), "When the band begins, HH:MM in 24 hours.", also=("set_start", "begins_at")
            ),
            Parameter(
                "set_minutes",
                integer(25, 120, 5),
                "Length of the set in minutes. Default is 45.",
                needed=False,
                also=("set_length",),
            ),
        ),
        (
            "(Put|Place) {band} on the {stage} at {start}[ with a set of {set_minutes} minutes].",
            "The festival has one more act: {band}. They begin at {start} on the {stage}[ and play {set_minutes} "
            "minutes]. Add them.",
            "At {start} the {stage} belongs to {band}[ for {set_minutes} minutes]. Can you write that into the "
            "line-up?",
            "The headliner got stuck at the border, so let {band} take the slot at {start}. It is on the {stage}.",
            "Line-up, {stage}: {band}, {start}[, {set_minutes} minutes].",
            "I have promised {band} a slot on the {stage}[ of {set_minutes} minutes], beginning at {start}. Please "
            "enter it in the running order.",
        ),
        (
            ("Add to the festival line-up: {each}.", "{band} on the {stage} at {start}[ for {set_minutes} minutes]"),
            ("Let these bands play: {each}.", "{band} at {start} on the {stage}"),
        ),
        also=("festival_slot", "schedule_band"),
        abouts=("Gives a band a stage and a time at the festival.",),
    ),
    Function(
        "film_reel_length",
        "Tell how many metres of film stock a shot takes.",
        (
            Parameter("minutes", decimal(1.5, 130), "Running time in minutes.", also=("running_time", "shot_minutes")),
            Parameter(
                "gauge", one_of("8mm, 16mm, 35mm, 70mm"), "Width of the film stock.", also=("stock", "film_width")
            ),
        ),
        (
            "How many metres of {gauge} film does a shot of {minutes} minutes take?",
            "We shoot on {gauge}. How much stock do I need for {minutes} minutes?",
            "(Work out|Calculate) the length of the reel: {minutes} minutes on {gauge} stock.",
            "The projectionist complains about heavy reels. A picture {minutes} minutes long was printed on {gauge}; "
            "what length of film is that?",
            "Film stock {gauge}, {minutes} minutes: metres?",
            "Suppose the camera runs for {minutes} minutes with {gauge} film in it. How long a strip comes out?",
        ),
        (
            (
                "How much film stock is {each}?",
                "{minutes} minutes of {gauge}",
            ),
        ),
        also=("stock_metres", "footage_needed"),
    ),
    Function(
        "program_light_cue",
        "Store a light cue on the lighting desk.",
        (
            Parameter("cue", integer(11, 180), "Number of the cue.", also=("cue_number",)),
            Parameter(
                "gel",
                one_of("amber, steel_blue, rose, moss_green, lavender, straw"),
                "Colour of the gel.",
                also=("color", "filter"),
            ),
            Parameter(
                "lantern",
                one_of("fresnel, profile, follow_spot, flood, strobe"),
                "Kind of lantern. Default is profile.",
                needed=False,
                also=("fixture",),
            ),
            Parameter("fade", decimal(0.5, 12), "Seconds of fade. Default is 3.", needed=False, also=("fade_time",)),
        ),
        (
            "(Store|Program) cue {cue} in {gel}[ on the {lantern}][ with a fade of {fade} seconds].",
            "When the duel begins I want {gel} light[ from the {lantern}]. Save it as cue {cue}[, fading in over "
            "{fade} seconds].",
            "Can cue {cue} be made {gel}[ with {fade} seconds of fade]?",
            "Cue {cue}: {gel}[, {lantern}][, fade {fade} seconds].",
            "The director hates the white glare. Have the desk keep {gel} under cue {cue}[, using the {lantern}].",
            "Write {gel} to the lighting desk as cue {cue}[, lantern: {lantern}][, and fade for {fade} seconds].",
        ),
        (
            ("Program these cues: {each}.", "cue {cue} in {gel}[ with a fade of {fade} seconds]"),
            ("The desk needs {each}.", "{gel} on cue {cue}"),
        ),
        also=("lighting_cue", "store_cue"),
    ),
    Function(
        "call_rehearsal",
        "Call performers to a rehearsal of some scenes.",
        (
            Parameter("scenes", several(integer(2, 29), 2, 4), "Numbers of the scenes.", also=("scene_numbers",)),
            Parameter("begins", clock(9, 20), "When it begins, HH:MM in 24 hours.", also=("call_time", "from_time")),
            Parameter(
                "performers",
                several(PERSON, 2, 4),
                "Full names of those who must come.",
                also=("called", "cast_members"),
            ),
        ),
        (
            "Call {performers} to rehearse scenes {scenes} at {begins}.",
            "We rehearse scenes {scenes}. I need {performers} there; the call is at {begins}.",
            "At {begins}, {performers} have to be on the rehearsal stage. Scenes {scenes} are on. Send the call.",
            "The premiere is close and the dialogue drags. Could you ask {performers} to come in at {begins} for "
            "scenes {scenes}?",
            "Rehearsal call: {performers}; scenes {scenes}; {begins}.",
            "Scenes {scenes} still wobble. Let {performers} know that we run them at {begins}.",
        ),
        also=("rehearsal_call", "summon_cast"),
    ),
    Function(
        "shift_subtitles",
        "Move the subtitles of a film in time.",
        (
            Parameter(
                "film",
                quoted(
                    "Harbour of Dust, The Ninth Projector, Cold Marigold, Sleepwalking Trains, The Umbrella Thief, A "
                    "Reel of Sparks, Desert Piano, Whispering Reels, The Clockmaker Bluff, Vertigo Lane, Silver "
                    "Nitrate, The Long Dissolve, Popcorn Requiem, Last Row Left, The Foley Girl, Daylight Robbers, "
                    "Monsoon Matinee, Oath of the Stuntman, Blue Slate, Curtain of Bees, The Quiet Gaffer, Fade to "
                    "Amber, Ghost Frame, Intermission Blues"
                ),
                "Title of the film.",
                also=("movie", "film_title"),
            ),
            Parameter("seconds", decimal(1.1, 9.5), "Seconds to move them by.", also=("offset", "shift_seconds")),
            Parameter(
                "earlier",
                flag("earlier", "later"),
                "True if they must appear earlier, false for later.",
                also=("to_earlier", "sooner"),
            ),
        ),
        (
            "Shift the subtitles of {film} by {seconds} seconds so that they come {earlier}.",
            "The subtitles of {film} are out of step with the voices. They should appear {seconds} seconds {earlier}. "
            "Can you fix it?",
            "Make the subtitles {seconds} seconds {earlier} in the film {film}.",
            "I am screening {film} tonight, and its subtitles have to be {earlier}, by {seconds} seconds.",
            "For {film}: subtitles {seconds} seconds {earlier}.",
        ),
        (("Correct the subtitles: {each}.", "{film} by {seconds} seconds, to appear {earlier}"),),
        also=("subtitle_offset", "move_captions"),
    ),
)
