"""Functions for sports, training and games."""

from __future__ import annotations

from .function import Function, Parameter
from .values import (
    CITY,
    COUNTRY,
    PERSON,
    clock,
    day,
    decimal,
    flag,
    integer,
    numbers,
    one_of,
    quoted,
    several,
    words,
    year,
)

TEAM = words("""
Harbour Hawks, River Foxes, North Stars, Iron Bulls, Red Comets, Valley Rangers, Silver Sharks, Stone Lions, Blue Waves,
Night Owls, Golden Bears, Desert Storm, Green Arrows, Royal Falcons, Thunder Cats, Coast Raiders, Snow Leopards,
Lake Pirates, Wild Mustangs, Copper Kings, Black Ravens, Island Turtles, Summit Goats, Canyon Wolves, Bridge Knights,
Forest Giants, Sun Dragons, Moon Rockets, Prairie Dogs, Steel Hornets
""")
LEAGUE = words("""
Northern Handball League, Coastal Rugby Cup, Meadow Football League, Alpine Hockey Series, City Volleyball Trophy,
Lakeside Rowing League, Valley Cricket Shield, Highland Curling Cup, Metro Basketball League, Island Netball Trophy,
Prairie Baseball League, Harbour Water Polo Cup, Midland Futsal League, Eastern Lacrosse Shield, Border Softball Cup,
River Canoe Polo Series, Central Floorball League, Southern Badminton Cup
""")

SPORTS = (
    Function(
        "get_match_result",
        "Look up the final score of a match between two teams.",
        (
            Parameter("home_team", TEAM, "Team that plays at home.", also=("home", "host")),
            Parameter("away_team", TEAM, "Team that visits.", also=("away", "visitor")),
            Parameter("date", day(2023, 2025), "Day of the match, YYYY-MM-DD.", also=("match_date",)),
        ),
        (
            "How did the match of the {home_team} at home against the {away_team} end on {date}?",
            "I had to work on {date} and missed it: the {away_team} were visiting the {home_team}. What was the score?",
            "Get the result for {date}. Home team: {home_team}. Away team: {away_team}.",
            "On {date} the {home_team} hosted the {away_team}. Please look up who won and with what score.",
            "Final score of the {date} match, {home_team} at home, {away_team} away?",
        ),
        (
            ("What were the scores of these matches: {each}?", "the {home_team} hosting the {away_team} on {date}"),
            ("Look up {each}.", "the visit of the {away_team} to the {home_team} on {date}"),
        ),
        also=("match_score", "lookup_result"),
        abouts=("Final score of one played match.",),
    ),
    Function(
        "league_table",
        "Show how the teams of a league stood in a season.",
        (
            Parameter("league", LEAGUE, "Name of the league.", also=("competition",)),
            Parameter("season", year(1995, 2025), "Year in which the season began.", also=("season_start",)),
            Parameter(
                "round",
                integer(2, 30),
                "Round after which to look. Default is the last.",
                needed=False,
                also=("matchday",),
            ),
        ),
        (
            "Who was where in the {league} in the season that began in {season}[, after round {round}]?",
            "Show me the table of the {league}, season of {season}[, after round {round}].",
            "My uncle played in the {league} and tells a new story each year. What did the standings look like[ after "
            "round {round}] in the season begun in {season}?",
            "I need the standings of the season that started in {season}. The league is the {league}.",
            "Table after[ round {round} of] the season of {season}, {league}, please.",
        ),
        (("Show me {each}.", "the table of the {league} for the season of {season}"),),
        also=("get_standings", "season_table"),
    ),
    Function(
        "book_court",
        "Reserve a court at a sports centre.",
        (
            Parameter(
                "sport", one_of("badminton, tennis, squash, padel, volleyball"), "What is played.", also=("game",)
            ),
            Parameter("date", day(), "Day, as YYYY-MM-DD.", also=("booking_date",)),
            Parameter("start", clock(8, 20), "When it begins, as HH:MM in 24 hours.", also=("start_time", "from_time")),
            Parameter(
                "hours",
                integer(2, 4, spelled=True),
                "For how many hours. Default is 1.",
                needed=False,
                also=("duration",),
            ),
            Parameter(
                "floodlit",
                flag("with floodlights", "without floodlights"),
                "Whether the lights are on. Default is false.",
                needed=False,
            ),
        ),
        (
            "Book a {sport} court on {date} at {start}[ for {hours} hours][, {floodlit}].",
            "We have not played in ages. Can I get a court for {sport} at {start} on {date}[, {floodlit}]?",
            "I would like to play {sport} on {date}. Reserve a court[ {floodlit}] from {start}[, {hours} hours].",
            "Is it possible to have a court[ for {hours} hours] on {date}? The game is {sport} and it should begin at "
            "{start}.",
            "Court booking: {sport}, {date}, {start}[, {hours} hours][, {floodlit}].",
        ),
        (
            ("Reserve {each}.", "a {sport} court on {date} at {start}"),
            ("I need {each}.", "a court for {sport} at {start} on {date}[ {floodlit}]"),
        ),
        also=("reserve_court", "court_booking"),
    ),
    Function(
        "log_workout",
        "Add a training session to the training diary.",
        (
            Parameter(
                "activity",
                words("""
                rowing, swimming, yoga, bouldering, running, cycling, boxing, hiking, skating, pilates, spinning,
                fencing, paddling, dancing, judo, stretching, rope skipping, circuit training
                """),
                "What was trained.",
                also=("exercise", "workout_type"),
            ),
            Parameter("minutes", integer(15, 180, 5), "Length of the session in minutes.", also=("duration_min",)),
            Parameter(
                "effort",
                one_of("easy, moderate, hard"),
                "How it felt. Default is moderate.",
                needed=False,
                also=("intensity",),
            ),
        ),
        (
            "Log {minutes} minutes of[ {effort}] {activity}.",
            "I have just done {activity} for {minutes} minutes[, and it was {effort}]. Put it in my training diary.",
            "Add to my diary: {activity}, {minutes} minutes.",
            "My legs are telling me that the session is over. Please note {activity}, {minutes} minutes long[, effort "
            "{effort}].",
            "Training diary entry, please: {minutes} minutes, {activity}[, {effort}].",
        ),
        (
            ("Write into my training diary: {each}.", "{minutes} minutes of {activity}"),
            ("Today I trained a lot. Log {each}.", "{activity} for {minutes} minutes"),
        ),
        also=("add_training", "workout_entry"),
    ),
    Function(
        "race_finish_time",
        "Predict the finishing time of a race from a steady pace.",
        (
            Parameter("distance", decimal(3, 60), "Length of the race in kilometres.", also=("distance_km",)),
            Parameter("pace", integer(200, 480), "Seconds per kilometre.", also=("pace_seconds", "seconds_per_km")),
        ),
        (
            "In what time do I finish a race of {distance} km at {pace} seconds per kilometre?",
            "I can keep up {pace} seconds per kilometre. How long will {distance} kilometres take me?",
            "Predict my time: pace {pace} seconds a kilometre, distance {distance} km.",
            "Next month I run a race through the hills. It is {distance} km long, and I plan on {pace} seconds for "
            "each kilometre. What will the clock say?",
            "Finish time for {distance} km, {pace} seconds per km?",
        ),
        (("Predict my times for {each}.", "{distance} km at {pace} seconds per kilometre"),),
        also=("predict_race_time", "finish_time"),
    ),
    Function(
        "bike_development",
        "Metres that a bicycle goes forward with one turn of the pedals.",
        (
            Parameter("chainring", integer(28, 54), "Teeth of the front chainring.", also=("front_teeth",)),
            Parameter("sprocket", integer(11, 27), "Teeth of the rear sprocket.", also=("rear_teeth", "cog")),
            Parameter("wheel", integer(200, 225), "Circumference of the wheel in centimetres.", also=("wheel_cm",)),
        ),
        (
            "How far does my bike roll per turn of the pedals with a chainring of {chainring} teeth, a sprocket of "
            "{sprocket} teeth and a wheel of {wheel} cm around?",
            "The sprocket has {sprocket} teeth, the chainring {chainring}, and the wheel measures {wheel} cm around. "
            "What is the development?",
            "Compute the development of a bike: wheel circumference {wheel} cm, {chainring} teeth in front, {sprocket} "
            "teeth behind.",
            "I am picking gears for a tour in the mountains. In front there are {chainring} teeth and at the back "
            "{sprocket}; the wheel is {wheel} cm around. How many metres do I go with each turn of the pedals?",
            "Development, please: chainring {chainring}, sprocket {sprocket}, wheel circumference {wheel} cm.",
        ),
        (
            (
                "Compute the development for {each}.",
                "a chainring of {chainring} with a sprocket of {sprocket} on a wheel of {wheel} cm circumference",
            ),
        ),
        also=("gear_development", "metres_per_pedal_turn"),
    ),
    Function(
        "bowling_total",
        "Add up the pins that a player knocked down, frame by frame.",
        (
            Parameter("player", PERSON, "Who bowled.", also=("bowler", "player_name")),
            Parameter("pins", numbers(0, 10, 3, 6), "Pins knocked down in each frame.", also=("frames",)),
        ),
        (
            "{player} bowled {pins}. What is the total?",
            "Add up the pins of {player}, who knocked down {pins}.",
            "It was a noisy evening at the alley. {player} got {pins} in the frames; what score does that make?",
            "Our sheet says {pins} for {player}. Count that together.",
            "Bowling score: player {player}, pins {pins}.",
        ),
        (),
        also=("sum_bowling", "score_bowling"),
        abouts=("Score of a bowler.",),
    ),
    Function(
        "find_athletes",
        "Search the register of athletes by sport and country.",
        (
            Parameter(
                "discipline",
                words("""
                pole vault, ski jumping, archery, judo, biathlon, high jump, table tennis, diving, curling, shot put,
                speed skating, rowing, triathlon, long jump, bobsleigh, wrestling, taekwondo, snowboarding
                """),
                "The sport.",
                also=("sport",),
            ),
            Parameter("country", COUNTRY, "Country they start for.", also=("nation",)),
            Parameter("born_after", year(1980, 2006), "Only those born after this year. Default is all.", needed=False),
        ),
        (
            "Which athletes from {country} do {discipline}[ and were born after {born_after}]?",
            "Find {discipline} athletes[ born after {born_after}] who start for {country}.",
            "I am writing an article about {discipline}. Who competes in it for {country}[ and was born after "
            "{born_after}]?",
            "Search the register for people from {country} in {discipline}.",
            "Athletes, please. Discipline: {discipline}. Country: {country}[. Born after {born_after}].",
        ),
        (("Search for {each}.", "{discipline} athletes from {country}"),),
        also=("search_athletes", "athlete_register"),
    ),
    Function(
        "draw_tournament",
        "Make the schedule of a tournament between some teams.",
        (
            Parameter("teams", several(TEAM, 3, 4), "The teams.", also=("participants",)),
            Parameter(
                "mode",
                one_of("knockout, round_robin, double_elimination", round_robin="round robin"),
                "How the tournament is played.",
                also=("format", "system"),
            ),
        ),
        (
            "Set up a {mode} tournament with {teams}.",
            "These teams have signed up: {teams}. (Draw|Make) the schedule as a {mode} tournament.",
            "Saturday is our summer fest. Could you plan a {mode} cup for {teams}?",
            "We want to play {mode}. The teams are {teams}. Who meets whom?",
            "Tournament schedule, {mode}, teams {teams}.",
        ),
        (),
        also=("make_tournament", "tournament_schedule"),
    ),
    Function(
        "save_game",
        "Save a board game night in the club's records.",
        (
            Parameter(
                "game",
                quoted("""
            Moon Harvest
            Castle Lane
            The Spice Boats
            Frost Trail
            Nine Lanterns
            Tower of Ants
            Salt and Silver
            Owl Post
            Harbour Masters
            The Glass Garden
            Paper Dragons
            Deep Mine
            Lost Caravan
            Bee Republic
            Clockwork Circus
            Island of Kites
            Red Railway
            The Mapmakers
            """),
                "Title of the game.",
                also=("title",),
            ),
            Parameter("winner", PERSON, "Who won.", also=("won_by",)),
            Parameter("points", integer(20, 190), "Points of the winner.", also=("score",)),
            Parameter("online", flag("online", "at a table"), "Whether it was played online.", also=("is_online",)),
        ),
        (
            "Save that {winner} won {game} with {points} points, {online}.",
            "We played {game} {online}. {winner} came first and had {points} points. Please put it in the club's "
            "records.",
            "{points} points were enough for {winner} to win at {game}. We met {online}. Record it.",
            "There was a lot of laughter and too much popcorn. Please store our game of {game}, played {online}, with "
            "the winner {winner} at {points} points.",
            "Club record: {game}, {online}, winner {winner}, {points} points.",
        ),
        (("Save these games: {each}.", "{game} played {online} and won by {winner} with {points} points"),),
        also=("record_board_game", "game_night_entry"),
    ),
    Function(
        "buy_match_tickets",
        "Buy tickets for a home match of a team.",
        (
            Parameter("team", TEAM, "The home team.", also=("club",)),
            Parameter("city", CITY, "Where the match is.", also=("venue_city",)),
            Parameter("tickets", integer(2, 9, spelled=True), "Number of tickets.", also=("count", "quantity")),
            Parameter(
                "area",
                one_of("standing, family, main_stand, terrace", main_stand="main stand"),
                "Part of the stadium. Default is main_stand.",
                needed=False,
                also=("section",),
            ),
        ),
        (
            "Buy {tickets} tickets for the match of the {team} in {city}[, in the {area} area].",
            "My cousins are fans of the {team}. Get us {tickets} seats for their match in {city}[, {area} area].",
            "I want to see the {team} when they play in {city}. Please order {tickets} tickets.",
            "Could you get tickets[ in the {area} area] for the match in {city}? We need {tickets}, and the home team "
            "is the {team}.",
            "Tickets, please, {tickets} of them: {team}, {city}[, {area} area].",
        ),
        (("Buy {each}.", "{tickets} tickets for the {team} in {city}"),),
        also=("order_tickets", "get_stadium_seats"),
    ),
)
