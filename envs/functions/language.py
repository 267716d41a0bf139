"""Functions for language: words, texts, translation, books and libraries."""

from __future__ import annotations

from .function import Function, Parameter
from .values import PERSON, day, decimal, flag, integer, one_of, quoted, several, words, year

TITLE = quoted("""
The Salt Orchard
A Map of Quiet Rivers
Winter at Number Nine
The Clockmaker of Venn
Letters to an Empty House
The Last Ferry Home
Under the Copper Moon
Notes from a Small Kitchen
The Beekeeper and the Storm
Seven Doors to Morning
Glass Mountains
The Lighthouse Twins
A Short History of Buttons
Where the Geese Turn
The Painter of Doors
Ashes and Apricots
The Third Violin
How to Fold a Mountain
The Night Gardener
Paper Boats
The Cartographer of Dust
One Summer in Farrow
The Silence of Kites
Beyond the Rye Fields
""")
WORD = words("""
harbour, lantern, whisper, thunder, velvet, marble, orchard, bramble, saddle, pilgrim, copper, meadow, candle, window,
stubborn, cellar, gallop, feather, barrel, winter, journey, kettle, magpie, silver, walnut, hollow, ribbon, shadow,
tremble, garden
""")
LANGUAGE_NAME = words("""
Swedish, Dutch, Basque, Welsh, Finnish, Catalan, Hungarian, Turkish, Korean, Czech, Greek, Swahili, Icelandic, Polish,
Hindi, Vietnamese, Danish, Irish, Romanian, Thai, Estonian, Maltese, Croatian, Zulu
""")
BRANCH = words("""
Mill Lane, Riverside, Old Town, Station Road, Northfield, Castle Hill, Harbour Street, Ash Grove, King Square, Westgate,
Orchard Park, Bell Tower, Canal Side, Southmead, Chapel Row, Fern Valley, Market Hall, Lakeview
""")

LANGUAGE = (
    Function(
        "find_rhymes",
        "Find words that rhyme with a word.",
        (
            Parameter("word", WORD, "The word to rhyme with.", also=("rhyme_with",)),
            Parameter(
                "syllables", integer(2, 4, spelled=True), "Only words of so many syllables. Default is any.", False
            ),
            Parameter("limit", integer(5, 40), "Most rhymes to return. Default is 20.", False, ("max_results",)),
        ),
        (
            "What rhymes with {word}?[ I need no more than {limit}.]",
            "I am writing a silly song for my aunt's birthday. (Find|Give me)[ up to {limit}] rhymes for {word}[ with "
            "{syllables} syllables].",
            "Rhymes for the word {word}[, of {syllables} syllables][, at most {limit}].",
            "Which words[ of {syllables} syllables] could I rhyme with {word}?[ A list of {limit} is enough.]",
            "(Look up|Search for) rhymes to {word}[, {syllables} syllables long][, and list {limit} at most].",
            "The second line of my poem ends in {word}. Are there[, among words of {syllables} syllables,] any "
            "rhymes?[ Show {limit} at most.]",
        ),
        (
            ("I am looking for rhymes. Please find {each}.", "words that rhyme with {word}"),
            ("Give me {each}.", "rhymes for {word}[ with {syllables} syllables]"),
        ),
        also=("rhyme_search", "rhyming_words"),
        abouts=("List the rhymes of a word.",),
    ),
    Function(
        "translate_phrase",
        "Translate a short phrase from English.",
        (
            Parameter(
                "phrase",
                quoted("""
                Where is the night bus
                The soup is too salty
                My luggage went missing
                Is this seat taken
                I would like to pay separately
                The heating makes a strange noise
                Could you speak more slowly
                We are looking for the museum
                He left his umbrella here
                The shop opens after lunch
                Please water the plants
                She is allergic to walnuts
                I lost my key
                The train was late again
                May I borrow your pen
                They are waiting outside
                This road is closed
                Thank you for the flowers
                """),
                "English phrase.",
                also=("text", "sentence"),
            ),
            Parameter("language", LANGUAGE_NAME, "Name of the language to translate to.", also=("target_language",)),
            Parameter(
                "tone",
                one_of("formal, casual, poetic"),
                "How it should sound. Default is neutral.",
                False,
                ("register",),
            ),
        ),
        (
            "How do you say {phrase} in {language}[ in a {tone} tone]?",
            "(Translate|Put) {phrase} into {language}[, in a {tone} tone].",
            "We are visiting my wife's relatives. I have to tell them {phrase} in {language}. What is it[, with a "
            "{tone} tone]?",
            "I need the {language} for {phrase}[. The tone should be {tone}].",
            "To {language}, please[, and in a {tone} tone]: {phrase}",
            "Could you give me a[ {tone}] translation of {phrase} into {language}?",
        ),
        (
            ("Translate for me: {each}.", "{phrase} into {language}"),
            ("How do I say {each}?", "{phrase} in {language}[ in a {tone} tone]"),
        ),
        also=("phrase_translation", "say_in_language"),
    ),
    Function(
        "reserve_library_book",
        "Reserve a book for pick-up at a library branch.",
        (
            Parameter("title", TITLE, "Title of the book.", also=("book_title",)),
            Parameter("branch", BRANCH, "Name of the branch.", also=("pickup_branch",)),
            Parameter("needed_by", day(2024, 2027), "Last useful day, YYYY-MM-DD.", also=("deadline",)),
        ),
        (
            "(Reserve|Hold) {title} for me at the {branch} branch, needed by {needed_by}.",
            "Could I pick up {title} at the branch {branch} by {needed_by}? Please put it on hold.",
            "Our reading group has chosen {title}, and everybody is excited. Reserve it at the {branch} library for "
            "me. I need it by {needed_by}.",
            "Book reservation: {title}, branch {branch}, until {needed_by} at the latest.",
            "I want to collect {title} from the {branch} branch no later than {needed_by}. Can you reserve it?",
        ),
        (
            ("Please reserve {each}.", "{title} at the {branch} branch by {needed_by}"),
            ("I would like to have these books on hold: {each}.", "{title} in {branch} for {needed_by}"),
        ),
        also=("place_hold", "book_reservation"),
    ),
    Function(
        "renew_loan",
        "Extend the loan of a library book.",
        (
            Parameter(
                "card",
                words("""LB-4821, LB-1937, LB-7750, LB-3062, LB-9914, LB-5588, LB-2406, LB-6173, LB-8045, LB-1290,
                LB-7331, LB-4659, LB-3817, LB-9502, LB-2264, LB-6948, LB-5120, LB-8873"""),
                "Library card, such as LB-0007.",
                also=("card_number",),
            ),
            Parameter("book", TITLE, "Title of the borrowed book.", also=("title",)),
            Parameter(
                "weeks", integer(2, 8, spelled=True), "How long to extend. Default is 3.", False, ("extra_weeks",)
            ),
        ),
        (
            "(Renew|Extend) {book} on my library card {card}[ for {weeks} weeks].",
            "I am only halfway through {book}, because work was mad. My card is {card}. Can I keep it longer[, for "
            "{weeks} weeks]?",
            "My library card is {card}. I would like[ {weeks} weeks] more time with {book}.",
            "Card {card}: renew the loan of {book}[ by {weeks} weeks], please.",
            "Could you prolong my loan of {book}[ by {weeks} weeks]? The card number is {card}.",
            "Still reading {book}. Please renew the loan[ for {weeks} weeks], card {card}.",
        ),
        (("Renew the loans of {each}.", "{book} on the card {card}"),),
        also=("extend_book_loan", "prolong_loan"),
    ),
    Function(
        "count_word_in_book",
        "Count how often a word occurs in a book.",
        (
            Parameter("search_word", WORD, "The word to count.", also=("term",)),
            Parameter("book_title", TITLE, "Title of the book.", also=("book",)),
            Parameter(
                "with_plurals",
                flag("plurals included", "plurals left out"),
                "Whether the word's plural counts too.",
                also=("include_plurals",),
            ),
        ),
        (
            "How often does the word {search_word} (occur|appear) in {book_title}, {with_plurals}?",
            "I bet with my brother about {book_title}. How many times does its author write {search_word}, "
            "{with_plurals}?",
            "(Count|Tally) the word {search_word} in the book {book_title}, {with_plurals}.",
            "In {book_title} the word {search_word} seems to be on every page. Count it, {with_plurals}.",
            "Occurrences of {search_word} in {book_title}, {with_plurals}, please.",
            "For my essay on {book_title} I must know the number of times that {search_word} is used in it, "
            "{with_plurals}.",
        ),
        (("Count {each}.", "the word {search_word} in {book_title} with {with_plurals}"),),
        also=("word_occurrences", "book_word_count"),
    ),
    Function(
        "author_books",
        "List the books an author has published.",
        (
            Parameter("author", PERSON, "Full name of the author.", also=("writer",)),
            Parameter(
                "genre",
                one_of("crime, poetry, travel, fantasy, memoir"),
                "Only this genre. Default is all.",
                needed=False,
            ),
            Parameter("since", year(1971, 2021), "First year to list. Default is all years.", False, ("from_year",)),
        ),
        (
            "Which books did {author} publish[ since {since}]?",
            "I met {author} at a reading and got curious. (List|Show me) everything by that author[ in the {genre} "
            "genre][, from {since} on].",
            "Books by {author}[, genre {genre}][, from the year {since} onwards].",
            "What has {author} written[ in the {genre} genre]?[ Leave out what came before {since}.]",
            "Could you list the works of the writer {author}[, only the {genre} genre][, since {since}]?",
            "I love the style of {author}. What else is there to read[ in the {genre} genre][, published since "
            "{since}]?",
        ),
        (
            ("What are the published books of {each}?", "{author}[ since {since}]"),
            ("List the books by {each}.", "{author}[ in the {genre} genre]"),
        ),
        also=("bibliography_of_author", "list_works"),
    ),
    Function(
        "word_origin",
        "Tell where a word comes from and how its meaning changed.",
        (Parameter("term", WORD, "The word, in lower case.", also=("headword",)),),
        (
            "Where does the word {term} come from?",
            "(Tell me|Explain) the origin of the English word {term}.",
            "My son asked why we say {term}, and I had no idea. What is the history of that word?",
            "Etymology of {term}, please.",
            "I wonder how {term} came into English. Could you trace it?",
            "Could you look up the roots of the word {term}?",
        ),
        (
            ("What is the origin of {each}?", "{term}"),
            ("Look up the history of {each}.", "the word {term}"),
        ),
        also=("etymology_lookup", "history_of_word"),
        abouts=("Etymology of an English word.",),
    ),
    Function(
        "conjugate_verb",
        "Give the forms of a verb of a foreign language.",
        (
            Parameter(
                "verb",
                words("""hablar, cantare, finir, lopen, schreiben, nadar, dormire, vendre, fietsen, tanzen, comer,
                partire, choisir, werken, kochen, vivir, leggere, attendre, zingen, lachen, correr, scrivere, rougir,
                spelen"""),
                "Infinitive.",
                also=("infinitive",),
            ),
            Parameter(
                "tense", one_of("present, past, future, conditional"), "Tense of the forms.", also=("verb_tense",)
            ),
            Parameter("number", one_of("singular, plural"), "Singular or plural forms."),
        ),
        (
            "How is {verb} conjugated in the {tense} tense, {number} only?",
            "(Conjugate|Give the forms of) the verb {verb} in the {tense} tense, only the {number}.",
            "I have a language test after the holidays and keep mixing up verbs. Show me the {tense} tense of {verb} "
            "in the {number}.",
            "What are the {number} forms of {verb}? I need the {tense} tense.",
            "Verb {verb}, {tense} tense, {number} forms only.",
            "Please write out the {tense} tense of the verb {verb}, just the {number}.",
        ),
        (
            ("Conjugate {each}.", "{verb} in the {tense} tense, {number} only"),
            ("I need these verb forms: {each}.", "the {tense} tense of {verb} in the {number}"),
        ),
        also=("verb_forms", "verb_conjugation"),
    ),
    Function(
        "make_anagrams",
        "Build words out of given letters.",
        (
            Parameter(
                "letters",
                words("""aelprst, deinorw, abcehmt, ghilnst, aeimrtu, cdeoprs, ailnoty, bdegnru, ehkmost, aafilmr,
                ceinoqu, adelpsy, fghiort, abeilnv, cmnorsu, deilpux, aegjnos, hilmoty"""),
                "The letters, without spaces.",
                also=("tiles",),
            ),
            Parameter(
                "min_length", integer(3, 6, spelled=True), "Fewest letters a word may have. Default is 2.", False
            ),
            Parameter(
                "use_all",
                flag("using all the letters", "leaving letters over if need be"),
                "Whether each word must use every letter. Default is false.",
                needed=False,
            ),
        ),
        (
            "Which words can I make from the letters {letters}[, {use_all}]?",
            "I am losing at our board game again. My tiles are {letters}. (Show|List) the words I could lay[, at least "
            "{min_length} letters long].",
            "(Find|Make) anagrams of {letters}[, {use_all}][, with {min_length} letters or more].",
            "Out of {letters}, what words[ of {min_length} or more letters] come out[, {use_all}]?",
            "Letters: {letters}. Give me anagrams[ of at least {min_length} letters][, {use_all}].",
            "Could you rearrange the letters {letters} into words[, {use_all}][, at least {min_length} letters each]?",
        ),
        (("What words can be built from {each}?", "the letters {letters}"),),
        also=("words_from_letters", "anagram_finder"),
    ),
    Function(
        "hyphenate_words",
        "Show where words may be broken at the end of a line.",
        (Parameter("words", several(WORD, 2, 4), "The words to hyphenate.", also=("word_list",)),),
        (
            "Where can I break {words} at the end of a line?",
            "(Hyphenate|Divide) these words: {words}.",
            "My newsletter has narrow columns and looks awful. Show me how to hyphenate {words}.",
            "I need the possible line breaks in {words}.",
            "Syllable breaks for {words}, please.",
        ),
        also=("word_breaks", "hyphenation"),
    ),
    Function(
        "reading_plan",
        "Spread the pages of a book over days.",
        (
            Parameter("pages", integer(120, 900), "Pages of the book.", also=("page_count",)),
            Parameter("finish_on", day(2024, 2027), "Last day of reading, YYYY-MM-DD.", also=("end_date",)),
            Parameter("minutes_per_page", decimal(1.1, 4.5), "Reading speed in minutes per page.", also=("speed",)),
        ),
        (
            "I have a book of {pages} pages to finish on {finish_on}. How much should I read each day, at "
            "{minutes_per_page} minutes per page?",
            "(Plan|Schedule) my reading: {pages} pages, done on {finish_on}, {minutes_per_page} minutes per page.",
            "My exam is coming and the textbook is dull. It has {pages} pages and each takes me {minutes_per_page} "
            "minutes. Spread them so that I am through on {finish_on}.",
            "How do I get through {pages} pages by {finish_on} if a page takes {minutes_per_page} minutes? Make a "
            "plan.",
            "Make a daily plan to end on {finish_on} for a novel of {pages} pages, assuming {minutes_per_page} minutes "
            "a page.",
        ),
        (
            (
                "Make reading plans for {each}.",
                "a book of {pages} pages to finish on {finish_on} at {minutes_per_page} minutes a page",
            ),
        ),
        also=("plan_reading", "daily_page_schedule"),
        abouts=("Plan how many pages of a book to read each day.",),
    ),
)
