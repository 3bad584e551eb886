#!/usr/bin/python3
"""Asks the real ansible-playbook about many playbooks.

usage: ansible-answers.py check FILES ROLES > answers.tsv
       ansible-answers.py tasks FILES ROLES > lists.json

FILES is a text file with a playbook's path on each line; ROLES are folders of
roles. "check" writes for each playbook the exit code of --syntax-check, the
path and the first error; "tasks" writes a line of JSON, [path, lines], for each
playbook that --list-tasks accepts. A warm process is forked for each playbook,
so that a thousand take minutes.
"""
import json
import os
import signal
import sys
import tempfile

MODES = {"check": "--syntax-check", "tasks": "--list-tasks"}


def run(option, path, output):
    """Runs ansible-playbook in this (forked) process; does not return."""
    fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    sys.stdout = open(1, "w", closefd=False)
    sys.stderr = open(2, "w", closefd=False)
    signal.alarm(60)
    code = 99
    try:
        os.chdir(os.path.dirname(path))
        sys.argv = ["ansible-playbook", option, "-i", "localhost,", os.path.basename(path)]
        from ansible.cli.playbook import PlaybookCLI
        PlaybookCLI.cli_executor()
        code = 0
    except SystemExit as e:
        code = e.code or 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def answer(option, path, output):
    pid = os.fork()
    if pid == 0:
        run(option, path, output)
    _, status = os.waitpid(pid, 0)
    with open(output, errors="replace") as f:
        return os.waitstatus_to_exitcode(status), f.read().splitlines()


def main():
    mode, files, roles = sys.argv[1:4]
    home = tempfile.mkdtemp()
    os.environ.update(ANSIBLE_ROLES_PATH=roles, ANSIBLE_NOCOLOR="1", ANSIBLE_DEPRECATION_WARNINGS="0", HOME=home)
    for path in open(files).read().split("\n"):
        if not path:
            continue
        code, lines = answer(MODES[mode], path, os.path.join(home, "output"))
        if mode == "check":
            error = next((line for line in lines if "ERROR!" in line), "")
            print(code, path, error[:300], sep="\t", flush=True)
        elif code == 0:
            wanted = [line.strip() for line in lines if line.strip().startswith("play #") or "TAGS: [" in line]
            print(json.dumps([path, wanted]), flush=True)


main()
