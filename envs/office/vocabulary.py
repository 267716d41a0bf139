"""The words that worlds are filled with.

Each split has its own slice of every list: of eight words in a row, six are for train, one for val, one for test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

T = TypeVar("T")


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.replace("\n", " ").split(",")]


_FIRST = _listed("""
Ana, Ben, Carla, Dmitri, Elena, Farid, Grace, Hugo, Ines, Jonas, Keiko, Liam, Mara, Nils, Olga, Pablo, Quinn, Rosa,
Stefan, Tara, Umar, Vera, Wanda, Xenia, Yusuf, Zoe, Aldo, Bianca, Cem, Dalia, Emil, Fiona, Goran, Hana, Igor, Julia,
Kofi, Lena, Marek, Nadia, Oskar, Petra, Ravi, Sofia, Tomas, Ulla, Victor, Wren, Yara, Zeno, Amara, Boris, Chiara,
Dario, Esther, Felix, Gita, Henrik, Ivana, Jamal, Kira, Luca, Mina, Noel, Oona, Priya, Ruben, Selma, Tariq, Ursula,
Vito, Willa, Ximena, Yann, Zara, Aron, Bela, Clara, Dag, Edda, Finn, Gloria, Hassan, Iris, Joost, Karin, Leo, Mona,
Nico, Odile, Pavel, Rita, Sami, Tess, Ugo, Viola, Walt, Yoko, Zita, Anouk, Bruno, Celia, Dana, Ezra, Flora, Gavin,
Helga, Isak, Jana, Kamal, Livia, Milo, Nora, Omar, Paula, Remy, Sanna, Theo, Una, Vince, Wilma, Yael, Zora, Alma,
Basil, Cora, Denis, Enya, Fritz, Greta, Hiro, Ilse, Jorge, Klara, Lars, Maya, Ned, Orla, Pia
""")

_LAST = _listed("""
Ruiz, Keller, Novak, Okafor, Lindgren, Haddad, Moretti, Sato, Petrov, Costa, Weber, Dubois, Nakamura, Silva, Jansen,
Kowalski, Eriksen, Banerjee, Fischer, Almeida, Ivanov, Horvat, Olsen, Marchetti, Tanaka, Schmidt, Laurent, Bakker,
Popescu, Andersen, Castillo, Mensah, Virtanen, Rossi, Gruber, Fontaine, Yilmaz, Larsen, Baptiste, Kaur, Hoffmann,
Vargas, Nyman, Bianchi, Sokolov, Meyer, Ortega, Achterberg, Kimura, Delgado, Brandt, Farkas, Lehmann, Osei, Romano,
Vasquez, Winkler, Zajac, Abbott, Bergstrom, Carlisle, Draper, Ellery, Foxley, Garrick, Holloway, Ingram, Jessop,
Kirkby, Langford, Marlowe, Norwood, Oakley, Prescott, Quimby, Radcliffe, Stanhope, Thackeray, Underhill, Vickers,
Whitlock, Yardley, Ashdown, Birkett, Colborne, Dunmore, Everley, Fairbanks, Goodwin, Hartnell, Ibsen, Jellicoe,
Kempton, Lockhart, Merriman, Newbold, Ormond, Pembroke, Ramsey, Selwyn, Tolbert, Upton, Verran, Wexford, Amsel,
Bruckner, Cardoso, Dragan, Eklund, Fabre, Gallo, Hirsch, Iversen, Jovic, Kranz, Lombard, Manzano, Nemeth, Orlov,
Pereira, Rautio, Santoro, Tamm, Ulrich, Vidal, Wallin, Zeman, Aguirre, Boyd, Crespo, Dahl, Espinoza, Frey, Grau,
Hult, Irving, Juhasz, Kessler, Lund, Montero, Nagy, Opitz, Pires, Reuter, Sandoval, Toth, Urban, Vogel, Wirth,
Zander
""")

_COMPANIES = _listed("""
Northwind, Bluepeak, Corvex, Halden, Lumora, Brightfield, Tessera, Quarryline, Ostrava, Verdance, Kelpworks,
Ironbridge, Solvane, Marlin, Portsea, Ravenhall, Copperleaf, Dunewell, Fernbank, Glasshouse, Harborlight, Inkwell,
Juniper, Kestrel, Larkspur, Millrace, Nettle, Orchard, Pinecrest, Quillon, Redwater, Stonegate
""")

_TEAMS = _listed("""
Marketing, Finance, Sales, Design, Legal, Support, Research, Logistics, Engineering, Procurement, Operations,
Training, Facilities, Security, Analytics, Press, Quality, Planning, Payroll, Branding, Innovation, Compliance,
Editorial, Licensing, Retail, Exports, Community, Sourcing, Testing, Archives, Warranty, Outreach
""")

_CITIES = _listed("""
Lyon, Geneva, Milan, Hamburg, Porto, Ghent, Vienna, Prague, Turin, Basel, Malmo, Krakow, Seville, Utrecht, Leipzig,
Nantes, Bergen, Graz, Genoa, Bilbao, Antwerp, Bremen, Toulouse, Zurich, Verona, Gdansk, Aarhus, Rennes, Linz, Bonn,
Trieste, Tampere
""")

_ROOMS = _listed("""
Aspen, Birch, Cedar, Dahlia, Elm, Fern, Ginkgo, Hazel, Iris, Jasmine, Kauri, Laurel, Maple, Nutmeg, Oak, Poplar,
Quince, Rowan, Spruce, Tulip, Umbra, Violet, Willow, Yew, Alder, Bamboo, Clover, Dogwood, Eucalypt, Foxglove,
Gentian, Heather, Indigo, Juniper, Lotus, Magnolia, Nettle, Olive, Peony, Rosemary
""")

_TOPICS = _listed("""
Budget, Roadmap, Onboarding, Pricing, Hiring, Website, Packaging, Warehouse, Newsletter, Payroll, Intranet,
Supplier, Catalogue, Branding, Compliance, Forecast, Inventory, Campaign, Contract, Safety, Loyalty, Checkout,
Prototype, Logo, Trade fair, Data migration, Customer survey, Office move, Annual report, Price list, Sales
pipeline, Help desk, Mobile app, Print run, Press kit, Energy audit, Risk register, Fleet, Canteen, Recruiting,
Dashboard, Translation, Shipping, Insurance, Helpline, Benchmark, Retention, Quarterly figures, Product launch,
Vendor, Workspace, Accessibility, Archive, Billing, Backup, Charity run, Delivery, Endowment, Firmware, Grant,
Handbook, Lighting, Membership, Network, Outsourcing, Partner, Quality, Refund, Scheduling, Template, Upgrade,
Visitor, Wellness, Expansion, Yearbook, Zoning, Merger, Keynote, Locker, Parking
""")

_OBJECTS = _listed("""
the badges, the price list, the floor plan, the projector, the invoices, the sample boxes, the visitor chairs, the
press photos, the cable drawers, the coffee machine, the user guide, the printer toner, the safety signs, the test
devices, the name tags, the supplier list, the door codes, the travel forms, the spare keys, the whiteboards, the
training slides, the gift cards, the parking passes, the first aid kit, the meeting minutes, the customer quotes,
the phone list, the lab coats, the shelf labels, the budget sheet, the display stands, the welcome packs, the
battery stock, the window blinds, the fuse box, the stamp pads, the desk lamps, the contract folder, the wall clock,
the catering menu, the mail room, the server rack, the demo account, the shift plan, the tax receipts, the ink
orders, the reading list, the loading bay, the alarm test, the heating plan, the poster frames, the tool cabinet,
the photo archive, the recycling bins, the kitchen rota, the bike rack
""")


def slice_of(words: Sequence[T], split: str) -> tuple[T, ...]:
    """The words of one split. test_unseen shares the words of test."""
    wanted = {"train": (0, 1, 2, 3, 4, 5), "val": (6,)}.get(split, (7,))
    return tuple([word for i, word in enumerate(words) if i % 8 in wanted])


class Vocabulary(msgspec.Struct, frozen=True):
    """One split's words."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    companies: tuple[str, ...]
    teams: tuple[str, ...]
    cities: tuple[str, ...]
    rooms: tuple[str, ...]
    topics: tuple[str, ...]
    objects: tuple[str, ...]


def _vocabulary(split: str) -> Vocabulary:
    lists = (_FIRST, _LAST, _COMPANIES, _TEAMS, _CITIES, _ROOMS, _TOPICS, _OBJECTS)
    return Vocabulary(*(slice_of(words, split) for words in lists))


VOCABULARIES = {split: _vocabulary(split) for split in ("train", "val", "test", "test_unseen")}

EVENT_KINDS = ("review", "sync", "planning", "workshop", "kickoff", "retrospective", "check-in", "briefing")
EXPENSE_CATEGORIES = ("meals", "travel", "lodging", "supplies", "training")
FILE_KINDS = ("notes.docx", "plan.xlsx", "summary.pdf", "draft.docx", "slides.pptx", "figures.xlsx", "brief.pdf")
SUBJECT_KINDS = ("update", "question", "draft", "feedback", "numbers", "proposal", "schedule", "changes")
TASK_VERBS = ("Order", "Update", "Check", "Collect", "Replace", "Sort", "Review", "Count", "Return", "Photograph")
FILE_FOLDERS = ("Archive", "Drafts", "Clients", "Reports", "Templates", "Projects", "Reviews", "Handover")
MAIL_FOLDERS = ("Later", "Receipts", "Suppliers", "Waiting", "Reference", "Travel", "Personnel", "Follow-up")
BODIES = (
    "The {topic} draft is ready for you to read.",
    "We start the {topic} work on {weekday}.",
    "Please send me your {topic} papers by {weekday}.",
    "The {topic} proposal has been approved.",
    "I will be late for the {topic} talk on {weekday}.",
    "Your {topic} numbers look fine to me.",
    "The {topic} deadline has moved to {weekday}.",
    "Thank you for the quick {topic} update.",
    "Could we talk about the {topic} plan on {weekday}?",
    "I have put the {topic} papers on your desk.",
    "Nothing has changed for the {topic} group.",
    "Bring two copies of the {topic} sheet, please.",
)
REASONS = (
    "No receipt attached",
    "Submitted twice",
    "Amount is too high",
    "Wrong category",
    "Receipt is not readable",
    "Not a business expense",
    "Date is missing",
    "Already paid by card",
)
