# Runs Ansible's modules on a host, one line of JSON [module, args] each, in
# children of one Python that has loaded what they share: a start of Python for
# each would take minutes. The answer is a line with what the module printed.
import json, os, runpy, sys
import ansible.modules
import ansible.module_utils.basic as basic

# Directories of modules that this ansible does not have.
ansible.modules.__path__.extend(sys.argv[1:])

for line in sys.stdin:
    module, args = json.loads(line)
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(w, 1)
        os.close(r)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        sys.stdout = os.fdopen(1, "w")
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        sys.argv = [module]
        try:
            # community.general.x is a file of that collection.
            path = module.split(".")
            if len(path) == 3:
                module = "ansible_collections.%s.%s.plugins.modules.%s" % tuple(path)
            else:
                module = "ansible.modules." + module
            runpy.run_module(module, run_name="__main__")
        except SystemExit:
            pass
        except BaseException:
            try:
                sys.excepthook(*sys.exc_info())
            except SystemExit:
                pass
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.close(w)
    with os.fdopen(r) as f:
        out = f.read()
    os.waitpid(pid, 0)
    print(json.dumps(out), flush=True)
