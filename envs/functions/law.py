"""Functions for law and public life: contracts, property, elections, offices."""

from __future__ import annotations

from .function import Function, Parameter
from .values import COUNTRY, PERSON, day, flag, integer, numbers, one_of, percent, several, words, year

DISTRICTS = words(
    "Ashford Vale, Norwick, Lower Tarn, Hallam East, Brackley, Port Sorrel, Wyndale, Upper Kesh, Marlow Fen, Dunmere, "
    "Saint Ives Cross, Tolland, Redcliff West, Greyhaven, Cobden, Lannock, Fairmoor, Eastgate Hundred, Pelham, "
    "Stoneford, Orwell Marsh, Birchover, Tamsin Hill, Kirkdale"
)
COMPANIES = words(
    "Brightwell Timber, Norcastle Foods, Pallas Freight, Osprey Tiles, Dunlin Textiles, Meridian Boats, Harrow Glass, "
    "Tessel Paper, Coldbrook Dairy, Vireo Software, Larkspur Paints, Anvil Bridges, Sorrel Cosmetics, Quayside Ropes, "
    "Fenwick Pumps, Juno Ceramics, Halcyon Tents, Wren Optics, Castor Mills, Bluegate Storage, Tarn Quarries, Elder "
    "Press, Zephyr Kites, Oakum Lines"
)

LAW = (
    Function(
        "allocate_mandates",
        "Turn the votes of parties into mandates.",
        (
            Parameter(
                "votes",
                numbers(1200, 98000, 3, 6),
                "Votes of each party, in the order of the ballot.",
                also=("party_votes", "ballots_per_party"),
            ),
            Parameter(
                "mandates", integer(9, 151, 2), "Mandates to be given out.", also=("total_mandates", "council_size")
            ),
            Parameter(
                "method",
                one_of("dhondt, sainte_lague, hare", dhondt="D'Hondt", sainte_lague="Sainte-Lague", hare="Hare"),
                "Counting method. Default is sainte_lague.",
                needed=False,
                also=("procedure",),
            ),
            Parameter(
                "threshold",
                percent(2, 7),
                "Share of the votes a party needs, as a fraction (0.05 for 5%). Default is 0.",
                needed=False,
                also=("hurdle", "min_share"),
            ),
        ),
        (
            "The parties polled {votes} votes. How do {mandates} mandates fall to them[ by the {method} method][ with "
            "a threshold of {threshold}]?",
            "Share out {mandates} mandates among parties with {votes} votes[, using {method}][, the threshold being "
            "{threshold}].",
            "A council of {mandates} members was elected[ with a hurdle of {threshold}]. Per party the ballots were "
            "{votes}; who gets how many mandates?",
            "I am on the election board. Our parties got {votes} votes, and {mandates} mandates must be given out[ "
            "according to {method}].",
            "Votes: {votes}. Mandates: {mandates}.[ Method: {method}.][ Threshold: {threshold}.]",
            "How many of {mandates} mandates does each party win[ under {method}] if the count stands at {votes} "
            "votes[ and nobody below {threshold} gets in]?",
        ),
        also=("apportion", "mandates_by_votes"),
        abouts=("Distributes the mandates of an elected body by party votes.",),
    ),
    Function(
        "office_holder",
        "Tell who held a public office.",
        (
            Parameter(
                "office",
                one_of("mayor, sheriff, treasurer, coroner, ombudsman, registrar"),
                "The office.",
                also=("public_office", "post"),
            ),
            Parameter("district", DISTRICTS, "District of the office.", also=("jurisdiction", "county")),
            Parameter(
                "as_of",
                day(1985, 2022),
                "Day in question, YYYY-MM-DD.",
                also=("on_day",),
            ),
        ),
        (
            "Who (is listed|is on record) as {office} of {district} on {as_of}?",
            "I must address a petition to the {office} of {district}. What name belongs on it, as of {as_of}?",
            "(Name|Identify) the person in the office of {office} in {district} as of {as_of}.",
            "An old deed bears a signature that nobody can read. It came from the {office} of {district} and was "
            "dated {as_of}. Who held that office?",
            "District {district}, office {office}, as of {as_of}: who?",
            "Could you find out by whom the post of {office} was held in {district} on {as_of}?",
        ),
        (
            ("Who are the holders of these offices: {each}?", "{office} of {district} on {as_of}"),
            ("Name {each}.", "the {office} of {district} as of {as_of}"),
        ),
        also=("who_held_office", "officeholder_lookup"),
    ),
    Function(
        "parcel_owner",
        "Look up in the land register to whom a parcel belongs.",
        (
            Parameter(
                "parcel",
                words(
                    "114/7, 88-C, 2093/1, 47-B, 560/12, 731-F, 19/4, 302-A, 1188/3, 65-K, 904/9, 277-D, 33/15, 416-H, "
                    "1502/6, 81-G, 699/2, 245-M, 58/11, 870-E, 1336/8, 92-L, 481/5, 127-J"
                ),
                "Number of the parcel as in the register.",
                also=("parcel_number", "plot"),
            ),
            Parameter("district", DISTRICTS, "District of the register.", also=("register_district",)),
            Parameter(
                "show_mortgages",
                flag("with its mortgages", "without its mortgages"),
                "Whether mortgages are listed as well. Default is false.",
                needed=False,
                also=("include_liens",),
            ),
        ),
        (
            "To whom does parcel {parcel} in {district} belong?[ List it {show_mortgages}.]",
            "(Look up|Check) the owner of parcel {parcel}, {district}, in the land register[, {show_mortgages}].",
            "A meadow in {district} is up for sale, and I wonder who owns it. The register calls it parcel {parcel}.",
            "Land register of {district}: owner of parcel {parcel}[, {show_mortgages}]?",
            "Before I sign the deed I want to see the entry of parcel {parcel}[ {show_mortgages}]. It lies in "
            "{district}.",
            "Whose property is the parcel numbered {parcel}? The register is that of {district}.[ Show the entry "
            "{show_mortgages}.]",
        ),
        (
            ("Look up the owners of {each}.", "parcel {parcel} in {district}"),
            ("Who owns {each}?", "parcel {parcel} of {district}"),
        ),
        also=("land_register_entry", "find_landowner"),
    ),
    Function(
        "draft_clause",
        "Draft a clause for a contract with a company.",
        (
            Parameter(
                "clause",
                one_of(
                    "confidentiality, mediation, non_compete, force_majeure, termination, warranty",
                    non_compete="non-compete",
                    force_majeure="force majeure",
                ),
                "Kind of clause.",
                also=("clause_type", "subject"),
            ),
            Parameter("counterparty", COMPANIES, "Company on the other side.", also=("other_party", "company")),
            Parameter(
                "governing_law",
                COUNTRY,
                "Country whose law applies. Default is our own.",
                needed=False,
                also=("law_of", "applicable_law"),
            ),
            Parameter(
                "years",
                integer(2, 15, spelled=True),
                "Years for which it binds. Default is no limit.",
                needed=False,
                also=("term_years",),
            ),
        ),
        (
            "(Draft|Write) a {clause} clause for our contract with {counterparty}[, valid for {years} years][, under "
            "the law of {governing_law}].",
            "We are about to sign with {counterparty}. What would a proper {clause} clause look like[ under the law "
            "of {governing_law}]?",
            "I need wording on {clause} in the agreement with {counterparty}[; it should bind both sides for {years} "
            "years].",
            "Our lawyer is on leave and {counterparty} is getting impatient. Could you word the {clause} clause[ so "
            "that it lasts {years} years]?",
            "Contract with {counterparty}: clause on {clause}[, term {years} years][, law of {governing_law}]. Please "
            "draft.",
            "Let the paper that goes to {counterparty} contain something on {clause}[, drawn up under the law of "
            "{governing_law}][, for a term of {years} years]. Draft that clause.",
        ),
        (
            ("Draft {each}.", "a {clause} clause for {counterparty}[ with a term of {years} years]"),
            ("Word these clauses: {each}.", "{clause} in the contract with {counterparty}"),
        ),
        also=("write_contract_clause", "clause_draft"),
    ),
    Function(
        "last_notice_day",
        "Tell the last day on which a contract can be given notice.",
        (
            Parameter(
                "contract_end",
                day(),
                "Day on which the contract runs out, YYYY-MM-DD.",
                also=("end_date", "expires_on"),
            ),
            Parameter(
                "notice_weeks", integer(2, 26, spelled=True), "Notice period in weeks.", also=("period_weeks", "weeks")
            ),
        ),
        (
            "My lease runs out on {contract_end}, with a notice period of {notice_weeks} weeks. Until when can I give "
            "notice?",
            "What is the last day for a notice when {notice_weeks} weeks are required and the contract expires on "
            "{contract_end}?",
            "(Compute|Determine) the deadline of a notice: {notice_weeks} weeks before the contract ends on "
            "{contract_end}.",
            "The landlord never answers. If the tenancy ends on {contract_end} and asks for {notice_weeks} weeks of "
            "notice, by which day must I have given it?",
            "Contract end {contract_end}, notice period {notice_weeks} weeks: last possible day?",
            "I do not want my contract to renew itself. It ends on {contract_end}; notice is due {notice_weeks} weeks "
            "ahead. When is it too late?",
        ),
        (
            (
                "By when must notice be given for {each}?",
                "a contract ending on {contract_end} with {notice_weeks} weeks of notice",
            ),
        ),
        also=("notice_deadline", "termination_cutoff"),
    ),
    Function(
        "claim_time_bar",
        "Tell when a legal claim lapses.",
        (
            Parameter(
                "claim",
                words(
                    "defamation, negligence, unpaid wages, forged wills, trespass, defective goods, unpaid rent, "
                    "breach of trust, water damage, medical errors, forged papers, broken leases, wrongful dismissal, "
                    "misleading adverts, factory noise, faulty surveys, theft of ideas, hidden defects"
                ),
                "Ground of the claim, as worded.",
                also=("claim_type", "cause"),
            ),
            Parameter(
                "arose_in", year(1994, 2024), "Year in which the claim arose.", also=("year_of_event", "since_year")
            ),
            Parameter("country", COUNTRY, "Country whose courts decide.", also=("forum", "court_country")),
        ),
        (
            "When does a claim for {claim} that arose in {arose_in} lapse before the courts of {country}?",
            "I have a case of {claim} on my desk. It dates from {arose_in} and belongs to the courts of {country}; "
            "when is it barred?",
            "(Find|State) the time bar at the courts of {country} for {claim}, the year being {arose_in}.",
            "My cousin wants to sue at last. The matter is {claim}, it happened in {arose_in}, and the court sits in "
            "{country}. Until when can that be brought?",
            "Time bar: {country}, {claim}, arisen in {arose_in}?",
            "In {country}, how long can one still go to court over {claim} from the year {arose_in}?",
        ),
        (
            ("When do these claims lapse: {each}?", "{claim} of {arose_in} in {country}"),
            ("Check the time bar of {each}.", "a claim for {claim} from {arose_in} in {country}"),
        ),
        also=("limitation_period", "claim_expiry"),
        abouts=("Year in which a claim can no longer be brought before the courts of a country.",),
    ),
    Function(
        "register_candidate",
        "Enter a candidate for an election.",
        (
            Parameter("candidate", PERSON, "Full name of the candidate.", also=("name", "nominee")),
            Parameter("constituency", DISTRICTS, "Constituency of the candidate.", also=("ward", "electoral_district")),
            Parameter(
                "signatures",
                integer(150, 4800, 10),
                "Valid signatures of support.",
                also=("supporters", "signature_count"),
            ),
            Parameter(
                "list_place",
                integer(2, 40),
                "Place on the party's list. Default is not on a list.",
                needed=False,
                also=("list_position",),
            ),
        ),
        (
            "(Register|Enter) {candidate} as a candidate in {constituency} with {signatures} signatures[, list place "
            "{list_place}].",
            "{candidate} wants to run in the constituency of {constituency} and has handed in {signatures} "
            "signatures. Could you register this candidacy[ with place {list_place} on the list]?",
            "We have collected {signatures} signatures of support for {candidate}. Please put that name on the ballot "
            "of {constituency}.",
            "On the ballot of {constituency} there shall be {candidate}[, on place {list_place} of the list]. The "
            "signatures, {signatures} of them, are valid.",
            "Candidacy: {candidate}; constituency {constituency}; {signatures} signatures[; list place {list_place}].",
            "As the returning officer I accept {signatures} signatures for a candidate in {constituency}[, who has "
            "place {list_place} on the list]. The name is {candidate}; make the entry.",
        ),
        (
            (
                "Register these candidates: {each}.",
                "{candidate} in {constituency} with {signatures} signatures[ and list place {list_place}]",
            ),
            ("Put on the ballot: {each}.", "{candidate} in {constituency} with {signatures} signatures"),
        ),
        also=("candidacy_entry", "nominate"),
    ),
    Function(
        "polling_place",
        "Find where the voters of an address cast their ballots.",
        (
            Parameter(
                "address",
                words(
                    "14 Heron Court, 3 Tollgate Lane, 27 Sexton Street, 8 Plover Mews, 51 Assize Road, 6 Beadle "
                    "Close, 19 Magpie Row, 72 Charter Street, 33 Moot Hill, 5 Falcon Terrace, 40 Guildhall Lane, 11 "
                    "Verger Walk, 88 Almond Crescent, 2 Warden Court, 65 Cloister Road, 23 Borough Lane, 9 Sparrow "
                    "Mews, 57 Reeve Street, 16 Chancel Close, 30 Lapwing Road, 4 Proctor Lane, 71 Abbot Terrace, 12 "
                    "Squire Walk, 48 Falconer Row"
                ),
                "House number and street of the voter.",
                also=("voter_address", "home"),
            ),
            Parameter(
                "election",
                one_of("municipal, parliamentary, presidential, referendum"),
                "What is voted on.",
                also=("election_type", "vote"),
            ),
        ),
        (
            "Where do voters living at {address} cast their ballots? The kind of vote is {election}.",
            "Kind of vote: {election}. Which polling place belongs to {address}?",
            "I have just turned old enough to vote, and I live at {address}. Find my polling place for the {election} "
            "vote.",
            "(Look up|Find) a polling place for {address}. It is about the {election} ballot.",
            "Polling place, {address}, {election} vote?",
            "For the upcoming {election} vote, to what polling place does someone go who is registered at {address}?",
        ),
        (("Find the polling places for {each}.", "{address} in the {election} vote"),),
        also=("where_to_vote", "find_ballot_station"),
    ),
    Function(
        "add_signatories",
        "Name the people who must sign a deed.",
        (
            Parameter(
                "deed",
                words(
                    "DR-2207, DR-0981, QT-4415, QT-3178, LM-6620, LM-1053, DR-7734, QT-8096, LM-2941, DR-5162, "
                    "QT-1387, LM-9508, DR-3349, QT-6271, LM-4816, DR-8025, QT-2590, LM-7163"
                ),
                "Number of the deed.",
                also=("deed_number", "document"),
            ),
            Parameter(
                "signatories", several(PERSON, 2, 4), "Full names of those who sign.", also=("signers", "parties")
            ),
        ),
        (
            "Add {signatories} as signatories of deed {deed}.",
            "Deed {deed} is ready at last. It has to be signed by {signatories}. Please enter that.",
            "Who signs deed {deed}? Put down {signatories}.",
            "The notary insists on full names. For the deed {deed} we have {signatories}; make them the signatories.",
            "Signatories for {deed}: {signatories}.",
            "I want {signatories} to put their names under the deed {deed}. Can you list them as signatories?",
        ),
        also=("deed_signers", "set_signatories"),
    ),
)
