"""All names of tools, parameters and apps, and the questions for parameters that a user forgot.

A tool has its author's name and four other names, each with its own description: two seen names, for train, val and
test, and two unseen names, for test_unseen alone.
"""

from __future__ import annotations

from typing import TypeAlias

Named: TypeAlias = tuple[str, str]
"""A name of a tool, and the description shown with this name."""


def _table(text: str) -> dict[str, tuple[Named, ...]]:
    """Names from a text: the author's name of a tool on a line, then four lines "name: description"."""
    out: dict[str, tuple[Named, ...]] = {}
    tool = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, description = line.partition(": ")
        if colon:
            out[tool] += ((name, description),)
        else:
            out[tool := name] = ()
    return out


NAMES = _table("""
create_event
    add_meeting: Add a meeting to the calendar.
    new_event: Enter a new calendar event.
    plan_appointment: Enters an appointment into the planner.
    insert_session: Inserts a session in somebody's diary.
list_events
    get_agenda: Get the agenda of one day.
    show_events: Show all events on a date.
    day_overview: Gives an overview of one day's appointments.
    fetch_sessions: Fetches every session of a given day.
find_event
    search_event: Search the calendar for a title.
    lookup_event: Look up an event's id and time.
    appointment_by_heading: Retrieves the appointment that has this heading.
    locate_session: Locates a session in the diary.
move_event
    reschedule_event: Change the date and time of an event.
    update_event_time: Give an event a new time.
    shift_appointment: Shifts an appointment to some other time.
    alter_session_slot: Alters the slot of a session.
cancel_event
    delete_event: Delete a calendar event.
    remove_event: Remove an event from the calendar.
    scrap_appointment: Scraps an appointment.
    erase_session: Erases a session.
invite_guest
    add_attendee: Add an attendee to an event.
    send_invite: Send a person an event invitation.
    include_participant: Includes one more participant in an appointment.
    summon: Asks a person to attend a session.
find_free_time
    get_free_slot: Get the first free slot on a day.
    next_free_time: Tell when the user is first free.
    earliest_gap: Computes the earliest gap between appointments.
    first_opening: Reports the day's first opening of a given length.
find_rooms
    search_rooms: Search for free meeting rooms.
    list_free_rooms: List rooms that can be booked.
    vacant_halls: Reports vacant halls that hold enough persons.
    scan_venues: Scans for venues nobody occupies.
book_room
    reserve_room: Reserve a room for a meeting.
    add_room_booking: Add a booking for a room.
    claim_hall: Claims a hall for some period.
    secure_venue: Secures a venue.
find_booking
    lookup_booking: Look up the user's room bookings.
    get_bookings: Get bookings the user has for a room.
    my_halls: Reports the periods a hall is claimed by the user.
    trace_venue_hold: Traces holds on a venue.
cancel_booking
    delete_booking: Delete a room booking.
    release_room: Release a booked room.
    yield_hall: Yields a claimed hall.
    lift_venue_hold: Lifts a hold on a venue.
room_info
    get_room: Get details of a meeting room.
    describe_room: Describe a room: seats, floor, projector.
    hall_profile: Gives the profile of a hall.
    inspect_venue: Inspects capacity and level of a venue.
find_contact
    get_contact: Get a person's contact details.
    lookup_person: Look up mail, phone, team and manager.
    who_is: Retrieves the card of a person.
    fetch_profile: Fetches somebody's profile from the directory.
add_contact
    create_contact: Create an address book entry.
    save_contact: Save a new contact.
    register_person: Registers a person in the directory.
    insert_card: Inserts a card for a new acquaintance.
update_contact
    edit_contact: Edit an address book entry.
    set_contact_field: Set a field of a contact.
    amend_person: Amends one entry on a person's card.
    rewrite_card: Rewrites part of a card.
delete_contact
    remove_contact: Remove an address book entry.
    drop_contact: Delete somebody's contact.
    forget_person: Forgets a person of the directory.
    purge_card: Purges a card.
list_team
    get_team: Get the people in a team.
    team_members: List who works in a team.
    roster: Gives the roster of a unit.
    fetch_crew: Fetches the crew of a unit.
send_mail
    send_email: Send an email.
    write_mail: Write and send a mail.
    post_letter: Posts a letter to a recipient.
    dispatch_message: Dispatches a fresh message.
search_mail
    find_mail: Find mails by sender or subject.
    search_inbox: Search received mails.
    sift_letters: Sifts through letters for a word.
    query_messages: Queries arrived messages.
read_mail
    open_mail: Open a mail and show its text.
    get_mail: Get the full text of a mail.
    unfold_letter: Unfolds one letter.
    view_message: Displays one message in full.
reply_mail
    reply_to_email: Send a reply to an email.
    answer_mail: Answer a received mail.
    respond_to_letter: Responds to whoever wrote a letter.
    return_message: Returns a response to a message.
forward_mail
    forward_email: Send an email on to another address.
    pass_on_mail: Pass a mail on.
    relay_letter: Relays a letter to a third person.
    redirect_message: Redirects a message.
move_mail
    file_mail: File a mail in a mail folder.
    set_mail_folder: Set the mail folder of a mail.
    shelve_letter: Shelves a letter in a tray.
    sort_message: Sorts a message into a tray.
delete_mail
    remove_mail: Remove a mail from the mailbox.
    trash_mail: Put a mail in the trash.
    burn_letter: Destroys a letter.
    discard_message: Discards a message.
find_file
    search_file: Search for a file.
    lookup_file: Look up a file's id and folder.
    seek_document: Seeks a document in the store.
    locate_item: Locates an item of the library.
read_file
    open_file: Open a file and show its text.
    get_file_text: Get what a file says.
    peruse_document: Displays the contents of a document.
    print_item: Prints the contents of a library item.
share_file
    grant_access: Grant access to a file.
    add_file_access: Let a person view or edit a file.
    permit: Permits a person to use a document.
    allow_reader: Allows somebody in on a library item.
rename_file
    set_file_name: Set the name of a file.
    change_file_name: Change what a file is called.
    retitle_document: Retitles a document.
    relabel_item: Relabels a library item.
move_file
    set_file_folder: Set the folder of a file.
    put_file: Put a file in a folder.
    relocate_document: Relocates a document to a drawer.
    transfer_item: Transfers an item within the library.
delete_file
    remove_file: Remove a file.
    trash_file: Put a file in the trash.
    shred_document: Shreds a document.
    withdraw_item: Withdraws an item from the library.
create_folder
    add_folder: Add a file folder.
    new_folder: Create an empty file folder.
    install_drawer: Installs one more drawer.
    open_shelf: Opens a shelf for library items.
list_folder
    show_folder: Show what is in a file folder.
    get_folder_files: Get the names of a folder's files.
    drawer_contents: Enumerates the documents of a drawer.
    scan_shelf: Scans a shelf.
add_task
    create_task: Create a task.
    new_todo: Put a task on the to-do list.
    jot_chore: Jots down a chore.
    queue_job: Queues a job for the user.
find_task
    search_task: Search for a task.
    lookup_task: Look up a task's id and due date.
    chore_by_wording: Retrieves a chore by its wording.
    locate_job: Locates a job in the queue.
list_tasks
    get_tasks: Get the open tasks of someone.
    show_todos: Show a person's to-do list.
    chores_of: Enumerates the unfinished chores of a person.
    fetch_jobs: Fetches somebody's queue of jobs.
complete_task
    close_task: Close a finished task.
    mark_task_done: Set a task to done.
    tick_chore: Ticks off a chore.
    finish_job: Declares a job finished.
assign_task
    set_task_owner: Set who has to do a task.
    delegate_task: Delegate a task to a person.
    entrust_chore: Entrusts a chore to a colleague.
    hand_over_job: Hands a job over.
postpone_task
    set_due_date: Set the due date of a task.
    reschedule_task: Move a task's deadline.
    extend_chore: Extends the time limit of a chore.
    retime_job: Retimes a job.
submit_expense
    create_expense: Create an expense claim.
    claim_expense: Ask for money back.
    hand_in_receipt: Hands in a receipt.
    log_outlay: Logs an outlay of the user.
find_expenses
    get_expenses: Get the expense claims of someone.
    list_claims: List what a person has claimed.
    receipts_of: Enumerates the receipts of a colleague.
    fetch_outlays: Fetches what somebody has laid out.
approve_expense
    accept_expense: Accept an expense claim.
    approve_claim: Say that a claim is paid.
    honour_receipt: Honours a receipt.
    clear_outlay: Clears an outlay.
reject_expense
    decline_expense: Decline an expense claim.
    reject_claim: Refuse to pay a claim.
    refuse_receipt: Refuses a receipt.
    bounce_outlay: Bounces an outlay.
get_budget
    show_budget: Show what a team may spend.
    team_budget: Get limit, spent and left of a budget.
    funds_of: States the funds of a unit.
    inspect_purse: Inspects the purse of a unit.
raise_budget
    increase_budget: Increase a team's budget.
    add_to_budget: Give a team more budget.
    top_up_funds: Tops up the funds of a unit.
    fill_purse: Fills the purse of a unit.
search_trains
    find_trains: Find trains for a route and day.
    get_train_times: Get times and prices of trains.
    rail_connections: Enumerates rail connections of a day.
    query_departures: Queries departures and fares.
book_train
    buy_train_ticket: Buy a ticket for a train.
    reserve_train: Reserve a train seat.
    rail_ticket: Issues a rail ticket.
    take_seat: Takes a seat on a departure.
book_hotel
    reserve_hotel: Reserve a hotel room.
    add_hotel_stay: Book a stay in a hotel.
    lodge: Arranges lodging.
    secure_bed: Secures a bed in an inn.
list_trips
    get_trips: Get all booked trips.
    show_travel: Show the user's travel bookings.
    itinerary: States the user's itinerary.
    fetch_journeys: Fetches all journeys that are arranged.
cancel_trip
    delete_trip: Delete a travel booking.
    cancel_travel: Cancel travel that is booked.
    abandon_journey: Abandons a journey.
    void_ticket: Voids a ticket or lodging.
""")
"""By the author's name of a tool: two seen names, then two unseen ones."""

PARAMETER_NAMES: dict[str, tuple[str, str, str, str]] = {
    "title": ("name", "label", "heading", "wording"),
    "date": ("day", "on_date", "calendar_day", "when"),
    "start": ("time", "start_time", "begins", "hour"),
    "minutes": ("duration", "length_minutes", "span", "lasting_minutes"),
    "event_id": ("id", "event", "appointment", "session_key"),
    "email": ("address", "guest_email", "mailbox", "recipient_mail"),
    "seats": ("capacity", "people", "head_count", "persons"),
    "room": ("room_name", "location", "hall", "venue"),
    "booking_id": ("id", "booking", "hold", "claim_key"),
    "name": ("full_name", "called", "designation", "known_as"),
    "field": ("attribute", "key", "entry", "aspect"),
    "value": ("new_value", "content", "replacement", "becomes"),
    "guests": ("attendees", "invitees", "participants", "audience"),
    "projector": ("with_projector", "needs_projector", "beamer", "big_screen"),
    "team": ("department", "group", "unit", "crew"),
    "to": ("recipient", "to_address", "addressee", "target"),
    "subject": ("title", "headline", "caption", "regarding"),
    "body": ("text", "message", "wording", "prose"),
    "query": ("search", "text", "needle", "phrase"),
    "mail_id": ("id", "mail", "letter", "message_key"),
    "folder": ("folder_name", "directory", "tray", "drawer"),
    "file_id": ("id", "file", "document", "item_key"),
    "access": ("permission", "role", "right", "mode"),
    "due": ("due_date", "deadline", "finish_by", "limit"),
    "priority": ("importance", "urgency", "weight", "rank"),
    "task_id": ("id", "task", "chore", "job_key"),
    "owner": ("person", "assignee", "bearer", "colleague"),
    "amount": ("sum", "total", "figure", "quantity"),
    "currency": ("currency_code", "currency_type", "money", "denomination"),
    "category": ("kind", "expense_type", "purpose", "ledger"),
    "employee": ("person", "claimant", "spender", "staff_member"),
    "expense_id": ("id", "claim", "receipt", "outlay_key"),
    "reason": ("comment", "explanation", "because", "grounds"),
    "origin": ("from_city", "departure_city", "leaving", "source"),
    "destination": ("to_city", "arrival_city", "going_to", "terminus"),
    "train": ("train_code", "train_number", "service", "departure"),
    "city": ("town", "place", "locality", "whereabouts"),
    "check_in": ("arrival", "check_in_date", "first_night", "moving_in"),
    "nights": ("stay", "number_of_nights", "sleeps", "night_count"),
    "trip_id": ("id", "trip", "journey", "ticket_key"),
}
"""By the author's name of a parameter: two seen names, two unseen ones."""

QUESTIONS: dict[str, tuple[str, ...]] = {
    "date": ("For which day?", "Which date do you have in mind?", "On what day should that be?"),
    "start": ("At what time?", "What time should I put down?", "When should it start?"),
    "minutes": ("How long do you need it?", "For how many minutes?", "How long will it take?"),
    "email": ("What is the mail address?", "Which address should I enter?", "Could you tell me the address?"),
    "value": ("What should it be changed to?", "What is the new value?", "What should it say?"),
    "subject": ("What should the subject be?", "Which subject line would you like?", "Under which subject?"),
    "body": ("What should it say?", "What text should I write?", "What would you like to say?"),
    "to": ("To whom should it go?", "Who should get it?", "Which address should I send it to?"),
    "folder": ("Which folder should it go to?", "Into which folder?", "What folder do you mean?"),
    "access": (
        "Should that be view or edit access?",
        "May they edit it, or only view it?",
        "Which access: view or edit?",
    ),
    "name": ("What should the new name be?", "What should it be called?", "Which name would you like?"),
    "due": ("When is it due?", "What is the due date?", "By when should it be done?"),
    "owner": ("Who should do it?", "To whom should it go?", "Which colleague do you mean?"),
    "category": ("Which category is it?", "What was it for?", "Under which category should I claim it?"),
    "reason": ("What is the reason?", "Which reason should I give?", "Why do you reject it?"),
    "amount": ("By how much?", "What amount?", "How much should it be?"),
    "check_in": ("When do you arrive?", "What is the check-in date?", "From which day on?"),
    "nights": ("For how many nights?", "How many nights will you stay?", "How long will you stay?"),
}
"""By the author's name of a parameter that a user may forget: questions of the assistant."""

FORMATS: dict[str, tuple[str, str, str, str]] = {
    "YYYY-MM-DD": ("as YYYY-MM-DD", "date, YYYY-MM-DD", "ISO 8601, like 2031-05-28", "year-month-day, like 2031-05-28"),
    "HH:MM": ("as HH:MM", "24-hour, HH:MM", "24-hour clock, like 18:05", "hours and minutes, like 18:05"),
    "mail address": ("email address", "an address", "e-mail, like a@b.com", "where to, like a@b.com"),
    "mail addresses": ("email addresses", "their addresses", "e-mails", "whom to tell, like a@b.com"),
    "such as IC204": ("like IC204", "its code, as IC204", "code, like QX77", "designator, like QX77"),
}
"""By the author's description of a parameter: two seen descriptions, two unseen ones."""

APP_NAMES: dict[str, tuple[str, str, str]] = {
    "calendar": ("calendar", "planner", "diary"),
    "rooms": ("rooms", "halls", "venues"),
    "contacts": ("contacts", "directory", "people"),
    "mail": ("mail", "letters", "post"),
    "files": ("files", "documents", "library"),
    "tasks": ("tasks", "chores", "jobs"),
    "expenses": ("expenses", "receipts", "outlays"),
    "travel": ("travel", "journeys", "tours"),
}
"""By the name of an app: its seen name and two unseen ones."""
