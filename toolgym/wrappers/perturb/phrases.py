"""Words for paraphrases: what can be said in another way, and frames that texts are put into. No model is asked."""

from __future__ import annotations

REQUEST: tuple[tuple[str, ...], ...] = (
    ("please", "kindly", "if you could"),
    ("can you", "could you", "would you be able to", "are you able to"),
    ("could you", "can you", "would you be so kind as to"),
    ("would you", "could you"),
    ("i want to", "i would like to", "i'd love to", "my plan is to"),
    ("i would like to", "i want to", "i wish to"),
    ("i'd like to", "i want to", "i wish to"),
    ("i need to", "i have to", "i must"),
    ("i need", "i require", "i'm in need of"),
    ("i want", "i'd like", "i wish for"),
    ("help me", "assist me to", "give me a hand to"),
    ("give me", "provide me with", "let me have"),
    ("tell me", "let me know", "say to me"),
    ("show me", "let me see", "present to me"),
    ("find out", "work out", "discover"),
    ("find", "look up", "locate"),
    ("get", "fetch", "obtain"),
    ("calculate", "work out", "compute"),
    ("compute", "calculate", "work out"),
    ("determine", "establish", "work out"),
    ("what is", "what would be", "tell me what is"),
    ("what's", "what is", "what would be"),
    ("what are", "tell me what are", "which are"),
    ("how much", "what amount of"),
    ("how many", "what number of"),
    ("make sure", "see to it", "be certain"),
    ("also", "in addition", "as well"),
    ("about", "concerning", "regarding"),
    ("using", "by means of", "with the help of"),
    ("i have", "i've got", "there is with me"),
    ("i am", "i'm"),
    ("i'm", "i am"),
    ("i've", "i have"),
    ("there is", "there exists"),
    ("because", "since", "as"),
    ("and then", "and after that", "followed by that"),
    ("currently", "at present", "right now"),
    ("right now", "at the moment", "at present"),
    ("immediately", "right away", "at once"),
    ("in order to", "so as to", "to"),
    ("such as", "like", "for instance"),
    ("for example", "for instance", "say"),
    ("a lot of", "plenty of", "lots of"),
    ("various", "several", "diverse"),
    ("quickly", "fast", "without delay"),
    ("interested in", "curious about", "keen on"),
    ("looking for", "searching for", "after"),
    ("thanks", "many thanks", "thank you"),
    ("thank you", "thanks", "much obliged"),
)
"""A phrase and what can stand for it."""

REQUEST_FRAMES = (
    ("Hello! ", ""), ("Hi there. ", ""), ("A question for you: ", ""), ("Here is what this is about. ", ""),
    ("", " Thanks a lot."), ("", " I appreciate your help."), ("", " That would be great."), ("", " Cheers."),
    ("Good day. ", " Many thanks."), ("I hope that you can help. ", ""), ("One more thing for you. ", " Thank you."),
)  # fmt: skip
"""What may stand before and after a request."""

DESCRIPTION: tuple[tuple[str, ...], ...] = (
    ("this function", "this tool", "the function"),
    ("this tool", "this function", "the tool"),
    ("retrieves", "fetches", "obtains"), ("retrieve", "fetch", "obtain"),
    ("returns", "gives back", "yields"), ("return", "give back", "yield"),
    ("get", "fetch", "retrieve"), ("gets", "fetches", "retrieves"),
    ("fetch", "retrieve", "obtain"), ("fetches", "retrieves", "obtains"),
    ("find", "look up", "locate"), ("finds", "looks up", "locates"),
    ("calculate", "compute", "work out"), ("calculates", "computes", "works out"),
    ("compute", "calculate", "work out"), ("computes", "calculates", "works out"),
    ("create", "make", "set up"), ("creates", "makes", "sets up"),
    ("delete", "remove", "erase"), ("deletes", "removes", "erases"),
    ("show", "display", "present"), ("shows", "displays", "presents"),
    ("list", "enumerate", "give a list of"),
    ("update", "change", "modify"), ("updates", "changes", "modifies"),
    ("determine", "establish", "find out"), ("determines", "establishes", "finds out"),
    ("provides", "supplies", "offers"), ("provide", "supply", "offer"),
    ("allows you to", "makes it possible to", "lets you"),
    ("allows", "permits", "lets"), ("used to", "meant to", "there to"),
    ("based on", "depending on", "according to"), ("according to", "based on", "by"),
    ("specified", "given", "stated"), ("given", "specified", "stated"),
    ("a specific", "a particular", "one given"), ("specific", "particular"),
    ("information about", "details of", "facts about"), ("information", "details", "data"),
    ("number of", "count of", "quantity of"), ("the amount of", "how much of"),
    ("whether to", "if one is to", "tells whether to"), ("whether", "if", "says whether"),
    ("such as", "like", "for instance"), ("e.g.", "for example", "for instance"),
    ("for example", "for instance", "such as"),
    ("must be", "has to be", "needs to be"), ("should be", "ought to be", "has to be"),
    ("optional", "not required", "may be left out"), ("required", "needed", "necessary"),
    ("default is", "by default it is", "if left out, it is"), ("note that", "please note that", "mind that"),
    ("between two", "that lies between two"), ("using", "by means of", "with"),
    ("in the format", "written as", "in the form"), ("the name of", "what is the name of", "name of"),
)  # fmt: skip
"""The same for descriptions of tools and parameters."""

TOOL_FRAMES = (
    ("This tool serves the following purpose: ", ""), ("Purpose: ", ""), ("What it does: ", ""),
    ("", " Call it when this is what is needed."), ("", " It serves this purpose alone."),
    ("In short: ", ""), ("Summary: ", ""), ("Use it for this: ", ""),
)  # fmt: skip

PARAMETER_FRAMES = (
    ("Meaning: ", ""), ("What to pass here: ", ""), ("Value to give: ", ""), ("", " This is an argument of the call."),
    ("Input: ", ""), ("This argument stands for: ", ""), ("", " Pass it with the call."),
)  # fmt: skip
