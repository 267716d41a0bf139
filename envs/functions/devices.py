"""Functions for things with a plug or a file system."""

from __future__ import annotations

from .function import Function, Parameter
from .values import CITY, PERSON, clock, decimal, flag, integer, one_of, several, words, year

ROOMS = words(
    "kitchen, bedroom, hallway, living room, bathroom, study, garage, attic, cellar, dining room, nursery, guest "
    "room, laundry, library, sunroom, playroom, landing, pantry, porch, home office, loft, gym, music room, workshop"
)
HOSTS = words(
    "web-03, mail-1, db-north, cache-7, build-02, proxy-a, store-11, auth-5, edge-west, backup-4, queue-9, api-21, "
    "web-17, db-south, node-88, lab-6, media-2, dns-1, print-3, vpn-east, git-05, log-12, staging-4, render-8"
)
FOLDERS = words(
    "/srv/photos, /home/ana/notes, /var/reports, /data/2024, /home/tom/music, /opt/models, /mnt/scans, /srv/wiki, "
    "/home/lea/thesis, /data/raw, /var/exports, /mnt/archive, /home/raj/code, /srv/invoices, /data/maps, /opt/fonts, "
    "/home/kim/drafts, /var/mail, /mnt/videos, /srv/recipes, /data/audio, /home/sol/plans, /opt/plugins, /srv/letters"
)

DEVICES = (
    Function(
        "set_room_temperature",
        "Set the target temperature of a room.",
        (
            Parameter("room", ROOMS, "Room to heat or cool, without an article.", also=("zone",)),
            Parameter(
                "degrees",
                decimal(15, 26),
                "Target in degrees Celsius, such as 19.5.",
                also=("target_temperature", "celsius"),
            ),
        ),
        (
            "(Set|Bring) the {room} to {degrees} degrees.",
            "It is freezing. I would like {degrees} degrees in the {room}, please.",
            "Could you make the {room} {degrees} degrees warm?",
            "Temperature in the {room}: {degrees} degrees.",
            "I will be sitting in the {room}. Can the thermostat there go to {degrees} degrees?",
            "Have the thermostat of the {room} aim for {degrees} degrees.",
        ),
        (
            ("Change the heating: {each}.", "the {room} to {degrees} degrees"),
            ("I would like {each}.", "{degrees} degrees in the {room}"),
        ),
        also=("thermostat_target", "adjust_heating"),
        abouts=("Tells the thermostat of one room how warm it should be.",),
    ),
    Function(
        "dim_lights",
        "Set the brightness of the lamps in a room.",
        (
            Parameter("room", ROOMS, "Room with the lamps, without an article.", also=("area",)),
            Parameter(
                "brightness",
                integer(5, 95, 5),
                "Brightness in percent, from 0 to 100.",
                also=("level", "brightness_pct"),
            ),
            Parameter(
                "tone",
                one_of("warm, neutral, cool, daylight"),
                "Colour of the white light. Default is neutral.",
                needed=False,
                also=("light_color",),
            ),
            Parameter(
                "fade_seconds",
                integer(3, 60),
                "Seconds over which the light changes. Default is 0.",
                needed=False,
                also=("transition",),
            ),
        ),
        (
            "(Dim|Set|Turn) the lamps in the {room} to {brightness} percent[ over {fade_seconds} seconds][, tone "
            "{tone}].",
            "I am about to watch the stars. Please put the {room} lights at {brightness} percent[, fading for "
            "{fade_seconds} seconds].",
            "Can the {room} be lit at {brightness} percent brightness[ in a {tone} tone]?",
            "Brightness {brightness} percent for the {room}[, with the {tone} tone][, {fade_seconds} seconds of fade].",
            "I want the light in the {room} at {brightness} percent[ and its tone {tone}].",
            "My eyes hurt. Would you bring the lamps of the {room} to {brightness} percent[, taking {fade_seconds} "
            "seconds for it][, with a {tone} tone]?",
        ),
        (
            ("Set the lights like this: {each}.", "{room} at {brightness} percent"),
            ("Please dim {each}.", "the lamps in the {room} to {brightness} percent[ with a {tone} tone]"),
        ),
        also=("light_level", "set_lamp_brightness"),
    ),
    Function(
        "start_vacuum",
        "Send the cleaning robot through some rooms.",
        (
            Parameter(
                "rooms",
                several(ROOMS, 2, 4),
                "Rooms to clean, in order, without articles.",
                also=("room_list", "areas"),
            ),
            Parameter("start_at", clock(), "Time to start, HH:MM in 24 hours.", also=("start_time",)),
        ),
        (
            "Have the robot vacuum these rooms at {start_at}: {rooms}.",
            "At {start_at} the cleaning robot should do these rooms: {rooms}.",
            "Start the vacuum at {start_at} and let it clean the following rooms: {rooms}.",
            "There is dog hair everywhere. Could the robot clean (my|the) {rooms}? It should set off at {start_at}.",
            "Robot cleaning, {start_at}. Rooms: {rooms}.",
            "Guests are coming, which is why the robot must go through the {rooms}, beginning at {start_at}.",
        ),
        also=("robot_cleaning", "schedule_vacuum"),
        abouts=("Plans a run of the robot vacuum.",),
    ),
    Function(
        "compress_folder",
        "Pack a folder into one archive file.",
        (
            Parameter("folder", FOLDERS, "Full path of the folder.", also=("path", "source_dir")),
            Parameter(
                "archive_name",
                words(
                    "spring, backup-a, handover, bundle, old-stuff, snapshot, release, pack-3, for-mia, final-set, "
                    "week-20, parcel, keepsake, shipment, whole-lot, batch-9, safe-copy, cold-store, june-set, crate, "
                    "leftovers, duplicate, vault-2, copy-b"
                ),
                "Name of the archive, without an ending.",
                also=("output_name",),
            ),
            Parameter(
                "format",
                one_of("zip, tar, seven_zip", seven_zip="7-Zip"),
                "Kind of archive. Default is zip.",
                needed=False,
                also=("archive_format",),
            ),
        ),
        (
            "(Pack|Compress) {folder} into an archive called {archive_name}[ in {format} format].",
            "I am short of disk space, so please make an archive named {archive_name}[, format {format},] out of the "
            "folder {folder}.",
            "The folder {folder} should become a single archive with the name {archive_name}.",
            "Can you archive {folder}[ as {format}] under the name {archive_name}?",
            "Wanted: an archive named {archive_name}, made of {folder}[, type {format}].",
            "Could {folder} be squeezed into one file? Name it {archive_name}[ and use {format}].",
        ),
        (
            ("Make these archives: {each}.", "{archive_name} from {folder}"),
            ("Compress {each}.", "{folder} into {archive_name}[ as {format}]"),
        ),
        also=("make_archive", "folder_archive"),
    ),
    Function(
        "photos_with_person",
        "Find pictures in the album that show somebody.",
        (
            Parameter("person", PERSON, "Full name of who is in the picture.", also=("face", "who")),
            Parameter(
                "taken_in",
                CITY,
                "City where they were taken. Default is anywhere.",
                needed=False,
                also=("location", "place"),
            ),
            Parameter(
                "year",
                year(1998, 2025),
                "Year in which they were taken. Default is any year.",
                needed=False,
                also=("taken_year",),
            ),
        ),
        (
            "(Find|Show me|Get) (the photos|all pictures) of {person}[ taken in {taken_in}][ from the year {year}].",
            "Do I have any photos of {person}[ taken in {taken_in}]?",
            "I am making a birthday card for {person}. Which pictures[ from {year}] show that face[ in {taken_in}]?",
            "In my album there must be some shots[ from {year}] with {person} on them. Can you dig them out?",
            "Which of my photos show {person}[, shot in {year}][, taken in {taken_in}]?",
            "Pictures with {person}, please[, taken in {taken_in}][, only the year {year}].",
        ),
        (
            ("Search my album for {each}.", "photos of {person}[ taken in {taken_in}]"),
            ("I need the pictures of {each}.", "{person}[ from the year {year}]"),
        ),
        also=("search_album_by_face", "find_photos_of"),
        abouts=("Searches the photo album by the person in the picture, and where and when it was taken.",),
    ),
    Function(
        "restart_server",
        "Restart a machine in the data centre.",
        (
            Parameter("host", HOSTS, "Name of the machine, such as 'abc-0'.", also=("server", "machine_name")),
            Parameter(
                "delay_minutes",
                integer(2, 90),
                "Minutes to wait before that. Default is 0.",
                needed=False,
                also=("wait",),
            ),
            Parameter(
                "drain",
                flag("after its users have been moved away", "without moving its users away"),
                "Whether users are moved to other machines first. Default is true.",
                needed=False,
                also=("move_users",),
            ),
        ),
        (
            "(Restart|Reboot) {host}[ in {delay_minutes} minutes][ {drain}].",
            "The server {host} hangs again. (Would you reboot it|Could you restart it)[, {drain}]?",
            "I have installed the patches, so {host} needs a restart[, {delay_minutes} minutes from now].",
            "Can you give the machine {host} a fresh start[ {drain}][, but wait {delay_minutes} minutes first]?",
            "Server {host}: reboot[ in {delay_minutes} minutes][, {drain}].",
            "The fan of {host} sounds odd. Have the machine restarted[ {drain}][, {delay_minutes} minutes from now].",
        ),
        (("Restart {each}.", "{host}[ in {delay_minutes} minutes]"), ("Reboot these machines: {each}.", "{host}")),
        also=("reboot_host", "server_restart"),
    ),
    Function(
        "read_log",
        "Show the last lines that a service wrote to its log.",
        (
            Parameter(
                "service",
                words(
                    "billing, search, login, uploads, scheduler, thumbnails, checkout, newsletter, chat, exports, "
                    "geocoder, sessions, ranking, webhooks, crawler, translations, reminders, transcoder, inventory, "
                    "payouts, metrics, signup, comments, previews"
                ),
                "Name of the service.",
                also=("service_name", "daemon"),
            ),
            Parameter("lines", integer(20, 800, 10), "How many lines to show.", also=("last_n", "tail")),
        ),
        (
            "Show me the last {lines} log lines of the {service} service.",
            "What did the {service} service write to its log lately? {lines} lines will do.",
            "I am hunting a bug in the {service} service. Print {lines} lines from the end of its log.",
            "Log of the service {service}, last {lines} lines.",
            "(Fetch|Get) the newest {lines} lines that the {service} service has logged.",
            "Could I see the log of the {service} service? The final {lines} lines are enough.",
        ),
        (
            ("Show the ends of these logs: {each}.", "{lines} lines of the {service} service"),
            ("I need the last {each}.", "{lines} log lines of the {service} service"),
        ),
        also=("tail_service_log", "service_log_lines"),
    ),
    Function(
        "raid_capacity",
        "Tell how much room a set of equal disks leaves for data.",
        (
            Parameter("disks", integer(4, 16, 2), "Number of disks, all the same.", also=("disk_count", "drives")),
            Parameter(
                "disk_tb", integer(2, 24), "Size of one disk in terabytes.", also=("terabytes_each", "drive_size")
            ),
            Parameter(
                "level",
                one_of(
                    "raid0, raid1, raid5, raid6, raid10",
                    raid0="RAID 0",
                    raid1="RAID 1",
                    raid5="RAID 5",
                    raid6="RAID 6",
                    raid10="RAID 10",
                ),
                "How the disks are combined.",
                also=("raid_level",),
            ),
        ),
        (
            "How much can I store on {disks} disks of {disk_tb} TB each in {level}?",
            "We ordered {disks} drives, {disk_tb} terabytes apiece, and will run them as {level}. What capacity is "
            "left for data?",
            "(Compute|Give me) the usable space in {level} with {disks} disks, each of {disk_tb} TB.",
            "I am building a {level} array. Each disk has {disk_tb} TB and there are {disks} of them; how much room "
            "do I get?",
            "Usable terabytes: {level}, disk size {disk_tb} TB, {disks} disks?",
        ),
        (("Compare the usable space of {each}.", "{disks} disks of {disk_tb} TB in {level}"),),
        also=("usable_disk_space", "array_size"),
        abouts=("Usable terabytes of a disk array.",),
    ),
    Function(
        "quiet_hours",
        "Silence the phone for part of the day.",
        (
            Parameter(
                "begin", clock(12, 23), "When silence begins, HH:MM in 24 hours.", also=("from_time", "quiet_from")
            ),
            Parameter(
                "end", clock(5, 11), "When it ends on the next day, HH:MM in 24 hours.", also=("to_time", "quiet_until")
            ),
            Parameter(
                "exceptions",
                several(PERSON, 2, 3),
                "People whose calls still ring. Default is nobody.",
                needed=False,
                also=("allowed_callers",),
            ),
        ),
        (
            "(Silence|Mute) my phone from {begin} to {end}[; calls from {exceptions} may ring].",
            "I need some sleep. Can my phone stay quiet between {begin} and {end}[, except for {exceptions}]?",
            "Quiet hours, please: they begin at {begin} and end at {end}.",
            "Until {end} nobody should reach me on the phone, starting at {begin}[. Let only {exceptions} through].",
            "My phone must not ring from {begin} on[, unless it is {exceptions}]. At {end} it can make noise again.",
        ),
        also=("do_not_disturb", "mute_phone_between"),
    ),
    Function(
        "shrink_picture",
        "Save a smaller copy of a picture.",
        (
            Parameter(
                "file",
                words(
                    "beach.jpg, IMG_2041.png, team.jpeg, sunset_04.jpg, logo-big.png, DSC00817.jpg, cover.tiff, "
                    "wedding12.jpg, map_scan.png, cat-on-sofa.jpg, poster.webp, harbour.bmp, P1010233.jpg, "
                    "hike_day2.png, grandma.jpeg, kite.jpg, plan-b.png, IMG_9987.heic, snowman.jpg, garden3.webp, "
                    "receipt.png, panorama.tiff, bikes.jpg, skyline_7.png"
                ),
                "File name with its ending.",
                also=("image", "filename"),
            ),
            Parameter(
                "longest_side", integer(320, 2400, 40), "Pixels on the longer side.", also=("max_pixels", "size_px")
            ),
        ),
        (
            "(Shrink|Scale down) {file} so that its longest side has {longest_side} pixels.",
            "The picture {file} is too big for the form I have to fill in. Can you make a copy that is {longest_side} "
            "pixels on the longest side?",
            "I want {longest_side} pixels on the longer side of {file}.",
            "Smaller copy of {file}: longest side {longest_side} pixels.",
            "Could {file} be reduced to {longest_side} pixels along its longer side?",
        ),
        (("Shrink these pictures: {each}.", "{file} to {longest_side} pixels"),),
        also=("resize_image_copy", "smaller_picture"),
    ),
)
