# Runs tasks with ansible-core from this side, for modules that have a part on
# the controller (copy, template, fetch, ...): a line of JSON {module, args,
# check, vars} each, answered by a line with the task's result. Arguments:
# inventory, host, directory of the playbook.
import json, os, sys

inventory_file, host, basedir = sys.argv[1:4]
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from ansible import constants as C
from ansible import context
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.plugins.callback import CallbackBase
from ansible.vars.manager import VariableManager


class Answers(CallbackBase):
    def __init__(self):
        super().__init__()
        self.result = None

    def v2_runner_on_ok(self, result):
        self.result = result._result

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.result = dict(result._result, failed=True)

    def v2_runner_on_unreachable(self, result):
        self.result = dict(result._result, unreachable=True)

    def v2_runner_on_skipped(self, result):
        self.result = dict(result._result, skipped=True)


for line in sys.stdin:
    q = json.loads(line)
    context.CLIARGS = ImmutableDict(
        connection="smart", forks=1, become=None, become_method="sudo", become_user=None, check=q["check"], diff=True,
        verbosity=0, module_path=None, remote_user=None, timeout=20, syntax=False, start_at_task=None, private_key_file=None,
        ssh_common_args=None, sftp_extra_args=None, scp_extra_args=None, ssh_extra_args=None, listhosts=None, subset=None,
        extra_vars=(), ask_vault_pass=None, flush_cache=None, tags=("all",), skip_tags=())
    loader = DataLoader()
    loader.set_basedir(basedir)
    inventory = InventoryManager(loader=loader, sources=[inventory_file])
    variables = VariableManager(loader=loader, inventory=inventory)
    task = {"name": "case", "action": dict(q["args"], module=q["module"])}
    play = Play().load(dict(name="case", hosts=host, gather_facts="no", vars=q.get("vars") or {}, tasks=[task]),
                       variable_manager=variables, loader=loader)
    answers = Answers()
    tqm = TaskQueueManager(inventory=inventory, variable_manager=variables, loader=loader, passwords={}, stdout_callback=answers)
    try:
        tqm.run(play)
    finally:
        tqm.cleanup()
    print(json.dumps(answers.result, default=str), file=out, flush=True)
