"""Functions for the body: appointments, medicines, sleep, readings."""

from __future__ import annotations

from .function import Function, Parameter
from .values import CITY, PERSON, clock, day, decimal, flag, integer, numbers, one_of, quoted, several, words

DRUGS = words(
    "Velorin, Calmadex, Tressol, Nubiprin, Otavane, Remosil, Dorvalin, Pexitol, Brontal, Sumeril, Lanzofen, Kativex, "
    "Mirocet, Halvadine, Quensol, Ferrodan, Zelaprin, Ibrosan, Cortevia, Adoxan, Prunavit, Elmoril, Tacovine, "
    "Gastrolin"
)

HEALTH = (
    Function(
        "book_doctor_visit",
        "Book an appointment with a doctor.",
        (
            Parameter("doctor", PERSON, "Full name of the doctor, without a title.", also=("doctor_name", "physician")),
            Parameter("date", day(), "Day of the visit, YYYY-MM-DD.", also=("visit_date",)),
            Parameter("time", clock(8, 17), "Start, HH:MM in 24 hours.", also=("start", "at")),
        ),
        (
            "(Book|Make) an appointment with Dr. {doctor} on {date} at {time}.",
            "I would like to see Dr. {doctor}. Is {date} at {time} possible? If so, book it.",
            "My knee is no better. Please get me in with Dr. {doctor} at {time} on {date}.",
            "At {time} on {date} I am free for a visit to Dr. {doctor}. Reserve that slot.",
            "Doctor's appointment: Dr. {doctor}, {date}, {time}.",
            "Could you arrange for me to be seen by Dr. {doctor}? The day should be {date} and the time {time}.",
        ),
        (
            ("I need appointments {each}.", "with Dr. {doctor} on {date} at {time}"),
            ("Book these doctors: {each}.", "Dr. {doctor} at {time} on {date}"),
        ),
        also=("schedule_checkup", "doctor_appointment"),
    ),
    Function(
        "dose_by_weight",
        "Compute how much of a medicine a patient gets, from the body weight.",
        (
            Parameter("weight_kg", decimal(6, 98), "Body weight in kilograms.", also=("body_weight",)),
            Parameter(
                "mg_per_kg", decimal(0.5, 30), "Milligrams a day for each kilogram.", also=("daily_rate", "mg_kg_day")
            ),
        ),
        (
            "What dose does a patient of {weight_kg} kg get at {mg_per_kg} mg per kg and day?",
            "(Compute|Calculate) the daily dose: {mg_per_kg} mg/kg a day, body weight {weight_kg} kg.",
            "Our patient weighs {weight_kg} kilograms. The leaflet says {mg_per_kg} milligrams per kilogram every "
            "day. How many milligrams does one day take?",
            "The syrup is to be given at {mg_per_kg} mg per kilogram each day, and my son weighs {weight_kg} kg. How "
            "much is that?",
            "For {weight_kg} kg of body weight and {mg_per_kg} mg per kg daily, how large is the dose of one day?",
        ),
        (("Work out the doses for {each}.", "a patient of {weight_kg} kg at {mg_per_kg} mg per kg and day"),),
        also=("medicine_dose", "calc_dosage"),
        abouts=("Milligrams per day, from weight and a daily rate.",),
    ),
    Function(
        "log_blood_pressure",
        "Write a blood pressure reading into the diary.",
        (
            Parameter("systolic", integer(95, 180), "Upper value in mmHg.", also=("upper", "sys")),
            Parameter("diastolic", integer(55, 94), "Lower value in mmHg.", also=("lower", "dia")),
            Parameter(
                "arm", one_of("left, right"), "Arm that was measured. Default is left.", needed=False, also=("side",)
            ),
            Parameter(
                "posture",
                one_of("sitting, standing, lying"),
                "How the patient was placed. Default is sitting.",
                needed=False,
                also=("position",),
            ),
        ),
        (
            "(Log|Record|Note) a blood pressure of {systolic} over {diastolic}[, {arm} arm][, {posture}].",
            "I have just measured my blood pressure[ on the {arm} arm]: {systolic}/{diastolic}. Please put it in my "
            "diary.",
            "My lower value is {diastolic} and my upper one {systolic}[, taken while {posture}]. Save this blood "
            "pressure reading[ for the {arm} arm].",
            "Could you write down {systolic} to {diastolic} as my blood pressure[, measured {posture}]?",
            "Blood pressure diary: upper {systolic}, lower {diastolic}[, arm: {arm}].",
            "The cuff shows {systolic} for the upper pressure and {diastolic} for the lower[, with me {posture}]. "
            "Keep that reading[, {arm} arm].",
        ),
        (
            ("Enter these blood pressure readings: {each}.", "{systolic} over {diastolic}[ on the {arm} arm]"),
            ("Log the blood pressures {each}.", "{systolic}/{diastolic}"),
        ),
        also=("save_pressure_reading", "add_bp_reading"),
    ),
    Function(
        "bedtime_for",
        "Tell when to go to bed to get enough sleep.",
        (
            Parameter(
                "wake_up", clock(4, 10), "When the alarm rings, HH:MM in 24 hours.", also=("alarm_time", "rise_at")
            ),
            Parameter("sleep_hours", decimal(5.5, 9.5), "Hours of sleep wanted.", also=("hours", "wanted_hours")),
            Parameter(
                "minutes_to_doze_off",
                integer(5, 55, 5),
                "Minutes until sleep comes. Default is 15.",
                needed=False,
                also=("sleep_latency",),
            ),
        ),
        (
            "When should I go to bed to get {sleep_hours} hours of sleep if my alarm rings at {wake_up}[ and I need "
            "{minutes_to_doze_off} minutes to doze off]?",
            "I have to get up at {wake_up} and want {sleep_hours} hours of sleep[; falling asleep takes me "
            "{minutes_to_doze_off} minutes]. What is my bedtime?",
            "(Find|Work out) my bedtime: {sleep_hours} hours asleep, up at {wake_up}[, {minutes_to_doze_off} minutes "
            "to fall asleep].",
            "I have been yawning all week. To sleep {sleep_hours} hours and rise at {wake_up}, at what time must I "
            "turn in?",
            "Alarm at {wake_up}, {sleep_hours} hours of sleep[, {minutes_to_doze_off} minutes for dozing off]: when "
            "to bed?",
            "Given that I wake up at {wake_up}[ and lie awake for {minutes_to_doze_off} minutes], what time for bed "
            "leaves me {sleep_hours} hours of sleep?",
        ),
        (("Tell me the right bedtime for {each}.", "{sleep_hours} hours of sleep before an alarm at {wake_up}"),),
        also=("sleep_start", "get_bedtime"),
    ),
    Function(
        "refill_prescription",
        "Order more of a prescribed medicine.",
        (
            Parameter("medicine", DRUGS, "Name of the medicine.", also=("drug", "drug_name")),
            Parameter("packs", integer(2, 9, spelled=True), "Number of packs.", also=("pack_count", "quantity")),
        ),
        (
            "(Order|Refill) {packs} packs of {medicine}.",
            "I am running out of {medicine}. Could you get me {packs} new packs?",
            "My prescription for {medicine} needs a refill: {packs} packs, please.",
            "Have {packs} packs of my {medicine} made ready.",
            "Prescription refill for {medicine}, {packs} packs.",
            "Would you ask for {packs} more packs of {medicine}? I have a valid prescription.",
        ),
        (
            ("Refill my prescriptions: {each}.", "{packs} packs of {medicine}"),
            ("Please order {each}.", "{packs} packs of {medicine}"),
        ),
        also=("prescription_refill", "reorder_medicine"),
        abouts=("Asks a pharmacy for more packs of a medicine that was prescribed.",),
    ),
    Function(
        "target_pulse",
        "Compute the pulse to aim for in training.",
        (
            Parameter("age", integer(16, 82), "Age in years.", also=("age_years",)),
            Parameter(
                "resting_pulse", integer(44, 88), "Beats per minute at rest.", also=("resting_rate", "pulse_at_rest")
            ),
            Parameter(
                "effort",
                integer(50, 90, 5),
                "Effort in percent of the heart's reserve, from 0 to 100.",
                also=("intensity", "effort_percent"),
            ),
        ),
        (
            "What pulse should I train at with {effort} percent effort? I am {age} years old and my resting pulse is "
            "{resting_pulse}.",
            "At the age of {age} and with a resting pulse of {resting_pulse}, which heart rate means an effort of "
            "{effort} percent?",
            "(Give me|Compute) the training pulse for somebody aged {age}: resting pulse {resting_pulse}, effort "
            "{effort} percent.",
            "My resting pulse is {resting_pulse} beats a minute, and I turned {age} this spring. How fast may my "
            "heart go at {effort} percent effort?",
            "Effort of {effort} percent, resting pulse of {resting_pulse}, {age} years of age: what is the heart rate "
            "to aim for?",
        ),
        (
            (
                "Which training pulse suits {each}?",
                "{effort} percent effort at age {age} with a resting pulse of {resting_pulse}",
            ),
        ),
        also=("training_heart_rate", "pulse_zone"),
    ),
    Function(
        "medicine_reminders",
        "Set daily reminders to take a medicine.",
        (
            Parameter("medicine", DRUGS, "Name of the medicine.", also=("pill", "drug")),
            Parameter(
                "times",
                several(clock(6, 23), 2, 4),
                "Times of day, each HH:MM in 24 hours.",
                also=("remind_at", "daily_times"),
            ),
            Parameter(
                "with_food",
                flag("with a meal", "on an empty stomach"),
                "True if it is taken with food. Default is false.",
                needed=False,
                also=("food",),
            ),
        ),
        (
            "Remind me to take {medicine} every day at {times}[, {with_food}].",
            "I must not forget my {medicine}. Can you set daily reminders for {times}?[ I take it {with_food}.]",
            "(Set|Create) reminders at {times} for the medicine {medicine}[, which is taken {with_food}].",
            "My doctor told me to swallow {medicine}[ {with_food}] each day at {times}. Alert me then.",
            "Daily at {times}: reminder for {medicine}[, {with_food}].",
            "The pills called {medicine} are due at {times} day after day[, {with_food}]. Could my phone remind me?",
        ),
        also=("pill_alarm", "set_pill_reminders"),
    ),
    Function(
        "find_specialist",
        "Find medical specialists in a city.",
        (
            Parameter(
                "field",
                one_of("dermatology, cardiology, neurology, orthopedics, pediatrics, ophthalmology"),
                "Field of medicine.",
                also=("specialty", "medical_field"),
            ),
            Parameter("city", CITY, "City to look in.", also=("town", "near")),
            Parameter(
                "wait_days",
                integer(3, 60),
                "Longest wait for a visit, in days. Default is any wait.",
                needed=False,
                also=("max_wait",),
            ),
            Parameter(
                "language",
                one_of("English, Spanish, Arabic, French, Polish"),
                "Language the doctor speaks. Default is the local one.",
                needed=False,
                also=("spoken_language",),
            ),
        ),
        (
            "(Find|Look for) a specialist in {field} in {city}[ with a wait of at most {wait_days} days][ who speaks "
            "{language}].",
            "Which doctors of {field} are there in {city}[ that speak {language}]?",
            "My family doctor says that I need someone from {field}. I live in {city}[ and cannot wait longer than "
            "{wait_days} days]. Who is there?",
            "In {city}, who practises {field}[ and has a free slot within {wait_days} days]?[ The language should be "
            "{language}.]",
            "Specialist wanted: {field}, {city}[, {language} spoken][, no more than {wait_days} days of waiting].",
            "I have moved to {city} and am looking for a practice for {field}[ where {language} is spoken].",
        ),
        (
            (
                "Which specialists can you find for {each}?",
                "{field} in {city}[ with a wait of at most {wait_days} days]",
            ),
            ("Look for doctors of {each}.", "{field} in {city}"),
        ),
        also=("specialist_search", "doctors_by_field"),
    ),
    Function(
        "glucose_summary",
        "Sum up a series of blood sugar readings: mean, spread, values out of range.",
        (
            Parameter(
                "readings",
                numbers(62, 240, 3, 6),
                "Readings in mg/dl, in the order taken.",
                also=("values", "glucose_values"),
            ),
        ),
        (
            "Sum up my blood sugar: {readings} mg/dl.",
            "My glucose readings were {readings}. What do they look like taken together?",
            "(Analyse|Summarise) these blood sugar values: {readings}.",
            "The nurse wants an overview before my visit. The meter gave {readings} mg/dl of glucose.",
            "Glucose in mg/dl: {readings}. Summary, please.",
            "How was my sugar level overall? The meter wrote down {readings}.",
        ),
        also=("blood_sugar_overview", "summarize_glucose"),
    ),
    Function(
        "add_symptom",
        "Note a complaint in the health diary.",
        (
            Parameter(
                "complaint",
                quoted(
                    "dull headache, sore throat, dry cough, itchy eyes, stiff neck, numb fingers, upset stomach, "
                    "runny nose, back pain, swollen ankle, ringing ears, light fever, dizzy spells, tight chest, cold "
                    "feet, sharp tooth pain, skin rash, blurred sight, tired legs, hoarse voice, muscle cramps, "
                    "burning eyes, bloated belly, trembling hands"
                ),
                "The complaint in the patient's words.",
                also=("symptom", "description"),
            ),
            Parameter(
                "strength", integer(2, 10, spelled=True), "How bad it is, from 1 to 10.", also=("severity", "score")
            ),
            Parameter(
                "since",
                day(),
                "First day of it, YYYY-MM-DD. Default is today.",
                needed=False,
                also=("began_on", "onset"),
            ),
        ),
        (
            "(Note|Add) {complaint} in my health diary, strength {strength} of 10[, since {since}].",
            "I have had {complaint}[ since {since}], and on the scale to 10 it comes to {strength}. Put it down.",
            "Write {complaint} into the diary of complaints with a strength of {strength}[; it began on {since}].",
            "Diary entry: {complaint}, {strength} out of 10.",
            "Could you record my complaint {complaint}[, first felt on {since}]? I give it {strength} of 10 points.",
        ),
        (("Add these complaints to my diary: {each}.", "{complaint} with strength {strength}[ since {since}]"),),
        also=("log_complaint", "symptom_entry"),
    ),
)
