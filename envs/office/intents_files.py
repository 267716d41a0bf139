"""Requests about files."""

from __future__ import annotations

from .intent import Drawn, Intent, words
from .scene import Scene
from .slots import Slot, verbatim
from .vocabulary import FILE_FOLDERS, FILE_KINDS

_ACCESS = {
    "view": ("view access", "viewing rights", "permission to view"),
    "edit": ("edit access", "editing rights", "permission to edit"),
}


def _find_file(scene: Scene) -> Drawn:
    row = scene.row("files")
    return Drawn({"name": verbatim(row["name"]), "answer": verbatim(row["folder"])}, ((row["folder"],),))


def _read_file(scene: Scene) -> Drawn:
    row = scene.row("files")
    done, total = row["text"].split(": ")[1].split(" of ")
    slots = {"file_id": scene.thing("file", row), "answer": verbatim(f"{done} of {total.split()[0]}")}
    return Drawn(slots, ((done,),))


def _share_file(scene: Scene) -> Drawn:
    access = scene.stream.pick(("view", "edit"))
    slots = {"file_id": scene.thing("file", scene.row("files")), "email": scene.address(scene.person())}
    return Drawn({**slots, "access": Slot(access, scene.stream.pick(_ACCESS[access]))})


def _rename_file(scene: Scene) -> Drawn:
    row = scene.row("files")
    ending = row["name"].rsplit(".", 1)[1]
    kinds = [kind for kind in FILE_KINDS if kind.endswith(ending)] or list(FILE_KINDS)
    topic = scene.stream.pick(scene.words.topics).lower().replace(" ", "-")
    name = f"{topic}-{scene.stream.between(2, 99)}-{scene.stream.pick(kinds)}"
    return Drawn({"file_id": scene.thing("file", row), "name": verbatim(name)})


def _move_file(scene: Scene) -> Drawn:
    row = scene.row("files")
    folder = scene.stream.pick([name for name in scene.state.table("folders") if name != row["folder"]])
    return Drawn({"file_id": scene.thing("file", row), "folder": verbatim(folder)})


def _delete_file(scene: Scene) -> Drawn:
    return Drawn({"file_id": scene.thing("file", scene.row("files"))})


def _create_folder(scene: Scene) -> Drawn:
    if scene.stream.chance(0.3):
        return Drawn(
            {
                "folder": scene.quoted(
                    scene.unused([name for name in FILE_FOLDERS if name not in scene.state.table("folders")])
                )
            }
        )
    return Drawn(
        {"folder": scene.quoted(f"{scene.stream.pick(scene.words.topics)} {scene.stream.between(2020, 2029)}")}
    )


def _list_folder(scene: Scene) -> Drawn:
    folder = scene.unused([row["folder"] for row in scene.state.table("files").values()])
    names = [row["name"] for row in scene.state.table("files").values() if row["folder"] == folder]
    return Drawn({"folder": verbatim(folder), "answer": verbatim(", ".join(names))}, tuple((name,) for name in names))


FILES = (
    Intent(
        "find_file",
        "find a file",
        _find_file,
        words("""
            do:
            (find|look for) {name} and tell me which folder it is in
            (tell me|check) where {name} is (stored|kept)
            (see|look up) which folder has {name} in it
            (locate|track down) {name} and name its folder
            (find out|say) in which folder {name} lies
            say:
            Where (is|did I put) {name}?
            Which folder is {name} in?
            I cannot find {name}. In which folder is it?
            There is a file {name}. What folder is it in?
            In what folder would I come across {name}?
            done:
            {=name} is in {=answer}.
            It is in the folder {=answer}.
            The folder is {=answer}.
            many:
            (find|locate) {name} and tell me their folders
            tell me where {name} are stored
            find out in which folders {name} lie
        """),
        each="name",
        kind="file",
        looks_up=True,
        opens=True,
        equivalents=("list_folder",),
        changed_by=("move_file", "rename_file", "delete_file"),
        tells=("folders", "file owner"),
    ),
    Intent(
        "read_file",
        "read a file",
        _read_file,
        words("""
            do:
            (open|read) {file_id} and tell me how many items are done
            (check|see) in {file_id} how many items are done
            (tell me|look up) the number of done items in {file_id}
            (get|take) the number of items done from {file_id}
            (read|look into) {file_id} to find out how many items are finished
            say:
            How many items are done according to {file_id}?
            What does {file_id} say: how many items are done?
            I need the number of done items from {file_id}.
            {file_id} counts the items that are done. How many are there?
            By what {file_id} says, how many items have been done?
            done:
            {=answer} items are done.
            The file says {=answer}.
            According to the file, {=answer} are done.
            many:
            (open|read) {file_id} and tell me how many items are done
            get the numbers of items done from {file_id}
            look into {file_id} to find out how many items are finished
        """),
        each="file_id",
        kind="file",
        named=True,
        opens=True,
        follows=1,
    ),
    Intent(
        "share_file",
        "share a file",
        _share_file,
        words("""
            do:
            (share|open up) {file_id} with {email}[, with {access}]
            (give|grant) {email}[ {access} to] {file_id}
            (let|have) {email} get at {file_id}[ with {access}]
            (make|have) {file_id} available to {email}[, with {access}]
            (set up|arrange) access to {file_id} for {email}[, namely {access}]
            say:
            {email} (needs|should have) {access} for {file_id}.
            I am working with {email} on {file_id}. Share it, with {access}.
            {file_id} should be shared: {access} for {email}.
            How about {access} to {file_id} for {email}? Set that up.
            For {file_id}, {email} ought to have {access}.
            done:
            {=email} now has {=access} access.
            I have shared it with {=email}, {=access} access.
            Shared with {=email}: {=access}.
            many:
            (share|open up) {file_id} with {email}, with {access}
            make {file_id} available to {email}, with {access}
            arrange {access} to {file_id} for {email}
        """),
        needs=("access",),
        each="email",
        verb="pass on",
        kind="file",
        named=True,
        opens=True,
        follows=2,
        substitutes=("send_mail",),
    ),
    Intent(
        "rename_file",
        "rename a file",
        _rename_file,
        words("""
            do:
            rename {file_id}[ to {name}]
            (give|find) {file_id} a new name[: {name}]
            (change|set) the name of {file_id}[ to {name}]
            (have|see that) {file_id} (renamed|get another name)[: {name}]
            (call|name) {file_id} something else[, namely {name}]
            say:
            {file_id} (should|has to) be called {name}.
            The name of {file_id} is misleading. {name} would be right.
            From now on {file_id} is to be called {name}.
            {name} is a better name for {file_id}.
            The new name for {file_id} shall be {name}.
            done:
            It is called {=name} now.
            The file is now named {=name}.
            Renamed to {=name}.
        """),
        needs=("name",),
        verb="change",
        kind="file",
        named=True,
        follows=3,
    ),
    Intent(
        "move_file",
        "move a file",
        _move_file,
        words("""
            do:
            (move|put) {file_id} into another folder[, {folder}]
            (move|shift) {file_id}[ to the folder {folder}]
            (transfer|relocate) {file_id}[ to {folder}]
            (take|bring) {file_id} over to another folder[: {folder}]
            (store|keep) {file_id} in a different folder[, in {folder}]
            say:
            {file_id} belongs in the folder {folder}.
            {file_id} is in the wrong folder; {folder} (is right|would be right).
            I want {file_id} to be in {folder}.
            Let {file_id} have its place in {folder}.
            The folder for {file_id} is to be {folder}.
            done:
            It is in {=folder} now.
            I have moved it to {=folder}.
            The file is in the folder {=folder}.
            many:
            (move|shift) {file_id} to the folder {folder}
            bring {file_id} over to the folder {folder}
            store {file_id} in the folder {folder}
        """),
        needs=("folder",),
        each="file_id",
        verb="change",
        kind="file",
        named=True,
        follows=4,
        substitutes=("delete_file",),
    ),
    Intent(
        "delete_file",
        "delete a file",
        _delete_file,
        words("""
            do:
            (delete|remove) {file_id}
            (throw|chuck) {file_id} away
            (get rid of|erase) {file_id}
            (wipe|trash) {file_id}
            (dispose of|discard) {file_id}
            say:
            I do not need {file_id} any more, delete it.
            {file_id} is out of date. (Delete it|It can go).
            {file_id} (can|should) be deleted.
            Nobody uses {file_id}. Off with it.
            There is no use for {file_id}, have it deleted.
            done:
            The file is deleted.
            I have deleted it.
            Done, it is gone.
            many:
            (delete|remove) {file_id}
            (wipe|trash) {file_id}
            discard {file_id}
        """),
        each="file_id",
        verb="end",
        kind="file",
        named=True,
        ends=True,
        substitutes=("move_file",),
    ),
    Intent(
        "create_folder",
        "make a folder",
        _create_folder,
        words("""
            do:
            (create|make) a folder (called|named) {folder}
            (set up|add) a new folder for files, {folder}
            (open|start) a file folder {folder}
            (make|give me) a place for files (called|named) {folder}
            (establish|arrange) the folder {folder} for my files
            say:
            I need a (new |)folder {folder} for my files.
            There should be a folder {folder}.
            We have no folder {folder} yet, so make one.
            For my files I would like one more folder, {folder}.
            A folder by the name of {folder} is missing among my files.
            done:
            The folder {=folder} is there.
            I have made the folder {=folder}.
            Created: {=folder}.
            many:
            (create|make) folders (called|named) {folder}
            give me places for files called {folder}
            establish the folders {folder} for my files
        """),
        each="folder",
        verb="make",
        aside=7,
    ),
    Intent(
        "list_folder",
        "see what is in a folder",
        _list_folder,
        words("""
            do:
            (list|show me) the files in (the folder |){folder}
            (tell me|check) what is in the folder {folder}
            (see|look up) which files {folder} has
            (go through|look into) the folder {folder} and name its files
            (find out|say) which files lie in {folder}
            say:
            Which files are in (the folder |){folder}?
            What (is|do I have) in the folder {folder}?
            I want to tidy up {folder}. What is in it?
            What are the files in {folder} called?
            The folder {folder}: which files does it hold?
            done:
            {=folder} has {=answer}.
            In {=folder}: {=answer}.
            The files are {=answer}.
            many:
            (list|show me) the files in {folder}
            look into the folders {folder} and name their files
            find out which files lie in {folder}
        """),
        each="folder",
        substitutes=("find_file",),
        changed_by=("move_file", "rename_file", "delete_file", "create_folder"),
        tells=("folders",),
    ),
)
"""In the order of the app's methods."""
