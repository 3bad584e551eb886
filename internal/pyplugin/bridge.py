# Runs a project's own filter, test and lookup plugins for sunup. It is handed to
# python3 on the controller, reads requests as JSON lines and answers each with
# one line. In the middle of a call it may ask for a variable or a template.
import importlib.util
import io
import json
import os
import sys
import types

IN = os.fdopen(os.dup(0), "rb")
OUT = os.fdopen(os.dup(1), "wb")
_null = os.open(os.devnull, os.O_RDWR)
os.dup2(_null, 0)
os.dup2(_null, 1)  # what a plugin prints is no answer
sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False))

MAX_ITEMS = 2000000


def send(message):
    OUT.write(json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
    OUT.flush()


def receive():
    line = IN.readline()
    if not line:
        os._exit(0)
    return json.loads(line)


def ask(what, **more):
    """Asks the other side something in the middle of a call."""
    more["need"] = what
    send(more)
    answer = receive()
    if "error" in answer:
        raise error_class("AnsibleError")(answer["error"])
    return answer


# --- Ansible's modules: the installed ones, else stand-ins ---------------------

INSTALLED = importlib.util.find_spec("ansible") is not None


def module(name, **members):
    m = types.ModuleType(name)
    m.__dict__.update(members)
    m.__path__ = []
    sys.modules[name] = m
    parent, _, last = name.rpartition(".")
    if parent:
        if parent not in sys.modules:
            module(parent)
        setattr(sys.modules[parent], last, m)
    return m


def stand_ins():
    class AnsibleError(Exception):
        def __init__(self, message="", obj=None, show_content=True, suppress_extended_error=False, orig_exc=None):
            super().__init__(message)
            self.message, self.obj, self.orig_exc = str(message), obj, orig_exc

        def __str__(self):
            if self.orig_exc is not None:
                return "%s. %s" % (self.message, self.orig_exc)
            return self.message

    kinds = {"AnsibleError": AnsibleError}
    for name, base in [
        ("AnsibleOptionsError", "AnsibleError"), ("AnsibleParserError", "AnsibleError"), ("AnsibleRuntimeError", "AnsibleError"),
        ("AnsibleTemplateError", "AnsibleRuntimeError"), ("AnsibleFilterError", "AnsibleTemplateError"),
        ("AnsibleLookupError", "AnsibleTemplateError"), ("AnsibleUndefinedVariable", "AnsibleTemplateError"),
        ("AnsibleFileNotFound", "AnsibleRuntimeError"), ("AnsiblePluginError", "AnsibleError"),
        ("AnsibleConnectionFailure", "AnsibleRuntimeError"), ("AnsibleAssertionError", "AnsibleError"),
    ]:
        kinds[name] = type(name, (kinds[base],), {})
    kinds["AnsibleFilterTypeError"] = type("AnsibleFilterTypeError", (kinds["AnsibleTemplateError"], TypeError), {})
    module("ansible.errors", **kinds)

    def to_text(obj, encoding="utf-8", errors="strict", nonstring="simplerepr"):
        if isinstance(obj, bytes):
            return obj.decode(encoding, "surrogateescape" if errors and errors.startswith("surrogate") else errors or "strict")
        return obj if isinstance(obj, str) else str(obj)

    def to_bytes(obj, encoding="utf-8", errors="strict", nonstring="simplerepr"):
        if isinstance(obj, bytes):
            return obj
        return str(obj).encode(encoding, "surrogateescape" if errors and errors.startswith("surrogate") else errors or "strict")

    text = dict(to_text=to_text, to_native=to_text, to_bytes=to_bytes)
    module("ansible.module_utils._text", **text)
    module("ansible.module_utils.common.text.converters", jsonify=json.dumps, **text)

    import collections.abc as abc

    def is_iterable(seq, include_strings=False):
        if not include_strings and isinstance(seq, (str, bytes)):
            return False
        try:
            iter(seq)
        except TypeError:
            return False
        return True

    def is_sequence(seq, include_strings=False):
        if not include_strings and isinstance(seq, (str, bytes)):
            return False
        return isinstance(seq, abc.Sequence)

    names = {n: getattr(abc, n) for n in ("Mapping", "MutableMapping", "Sequence", "MutableSequence", "Set", "Iterable", "Hashable", "Container")}
    module("ansible.module_utils.common._collections_compat", **names)
    module("ansible.module_utils.common.collections", is_iterable=is_iterable, is_sequence=is_sequence,
           is_string=lambda s: isinstance(s, (str, bytes)), **names)
    module("ansible.module_utils.six", PY2=False, PY3=True, string_types=(str,), text_type=str, binary_type=bytes,
           integer_types=(int,), class_types=(type,), iteritems=lambda d: iter(d.items()), itervalues=lambda d: iter(d.values()),
           iterkeys=lambda d: iter(d), with_metaclass=lambda meta, *bases: meta("Base", bases, {}), raise_from=None)
    import urllib.error
    import urllib.parse
    import urllib.request
    moves = module("ansible.module_utils.six.moves", range=range, zip=zip, map=map, filter=filter, reduce=__import__("functools").reduce)
    module("ansible.module_utils.six.moves.urllib", parse=urllib.parse, request=urllib.request, error=urllib.error)
    sys.modules["ansible.module_utils.six.moves.urllib.parse"] = urllib.parse
    moves.urllib = sys.modules["ansible.module_utils.six.moves.urllib"]

    def boolean(value, strict=True):
        if isinstance(value, bool):
            return value
        word = value.lower().strip() if isinstance(value, str) else value
        if word in ("y", "yes", "on", "1", "true", "t", 1, 1.0):
            return True
        if word in ("n", "no", "off", "0", "false", "f", 0, 0.0) or not strict:
            return False
        raise TypeError("The value '%s' is not a valid boolean." % (value,))

    module("ansible.module_utils.parsing.convert_bool", boolean=boolean)

    class Display:
        verbosity = 0

        def __getattr__(self, name):
            return lambda *a, **k: None

    module("ansible.utils.display", Display=Display)

    class AnsibleUnsafe:
        __UNSAFE__ = True

    class AnsibleUnsafeText(str, AnsibleUnsafe):
        pass

    def wrap_var(v):
        if isinstance(v, dict):
            return {wrap_var(k): wrap_var(x) for k, x in v.items()}
        if isinstance(v, (list, tuple)):
            return type(v)(wrap_var(x) for x in v)
        return AnsibleUnsafeText(v) if isinstance(v, str) and not isinstance(v, AnsibleUnsafe) else v

    module("ansible.utils.unsafe_proxy", AnsibleUnsafe=AnsibleUnsafe, AnsibleUnsafeText=AnsibleUnsafeText, wrap_var=wrap_var)

    class LookupBase:
        def __init__(self, loader=None, templar=None, **kwargs):
            self._loader, self._templar, self._options = loader, templar, {}

        def set_options(self, var_options=None, direct=None, task_keys=None):
            self._options = dict(direct or {})

        def get_option(self, name, hostvars=None):
            return self._options.get(name)

        def has_option(self, name):
            return name in self._options

        def get_basedir(self, variables):
            return variables.get("role_path", self._loader.get_basedir())

        def find_file_in_search_path(self, myvars, subdir, needle, ignore_missing=False):
            for path in myvars.get("ansible_search_path", [self.get_basedir(myvars)]):
                for candidate in (os.path.join(path, subdir, needle), os.path.join(path, needle)):
                    if os.path.exists(candidate):
                        return candidate
            if ignore_missing:
                return None
            raise kinds["AnsibleFileNotFound"]("Unable to find '%s' in expected paths." % needle)

        @staticmethod
        def _flatten(terms):
            return [x for t in terms for x in (t if isinstance(t, (list, tuple)) else [t])]

        @staticmethod
        def _combine(a, b):
            return [LookupBase._flatten([x, y]) for x in a for y in b]

    module("ansible.plugins.lookup", LookupBase=LookupBase)
    module("ansible.plugins", AnsiblePlugin=object)

    class DataLoader:
        basedir = "."

        def get_basedir(self):
            return self.basedir

        def set_basedir(self, path):
            self.basedir = path

        def path_dwim(self, given):
            given = os.path.expanduser(given)
            return given if os.path.isabs(given) else os.path.join(self.basedir, given)

        def path_exists(self, path):
            return os.path.exists(self.path_dwim(path))

        is_file = staticmethod(os.path.isfile)
        is_directory = staticmethod(os.path.isdir)
        list_directory = staticmethod(os.listdir)

        def _get_file_contents(self, path):
            with open(self.path_dwim(path), "rb") as f:
                return f.read(), False

    module("ansible.parsing.dataloader", DataLoader=DataLoader)
    if importlib.util.find_spec("jinja2") is None:
        def marked(f):
            f.jinja_pass_arg = "unused"
            return f
        module("jinja2", pass_environment=marked, pass_context=marked, pass_eval_context=marked)
        module("jinja2.exceptions", UndefinedError=type("UndefinedError", (Exception,), {}))
        module("jinja2.runtime")
        module("jinja2.filters", pass_environment=marked)


def error_class(name):
    import ansible.errors
    return getattr(ansible.errors, name)


# --- values --------------------------------------------------------------------

_undefined = []


def undefined_class():
    """A value without value, which only complains when it is used."""
    if not _undefined:
        try:
            if INSTALLED:
                from ansible.template import AnsibleUndefined as base
            else:
                from jinja2 import StrictUndefined as base
        except ImportError:
            class base:
                def __init__(self, hint=None, name=None):
                    self._undefined_hint, self._undefined_name = hint, name

                def _fail(self, *a, **k):
                    import jinja2.exceptions
                    raise jinja2.exceptions.UndefinedError(self._undefined_hint or "'%s' is undefined" % self._undefined_name)
                __iter__ = __str__ = __len__ = __bool__ = __eq__ = __ne__ = __hash__ = __getitem__ = __call__ = _fail
        _undefined.append(base)
    return _undefined[0]


def unsafe_class():
    from ansible.utils.unsafe_proxy import AnsibleUnsafeText
    return AnsibleUnsafeText


def decode(v):
    if isinstance(v, list):
        return [decode(x) for x in v]
    if not isinstance(v, dict):
        return v
    (kind, x), = v.items()
    if kind == "d":
        return {decode(k): decode(y) for k, y in x}
    if kind == "t":
        return tuple(decode(y) for y in x)
    if kind == "u":
        return unsafe_class()(x)
    if kind == "x":
        return undefined_class()(hint=x["hint"] or None, name=x["name"])
    raise ValueError("unknown kind of value %r" % kind)


class Encoder:
    def __init__(self):
        self.left = MAX_ITEMS

    def encode(self, v, depth=0):
        self.left -= 1
        if self.left < 0:
            raise ValueError("the answer has more than %d parts" % MAX_ITEMS)
        if depth > 200:
            raise ValueError("the answer is nested too deeply")
        if v is None or v is True or v is False:
            return v
        if _undefined and isinstance(v, _undefined[0]):  # it has every attribute that one asks for
            return {"x": {"name": str(v._undefined_name or ""), "hint": str(v._undefined_hint or "")}}
        if isinstance(v, int):
            return int(v)
        if isinstance(v, float):
            return {"f": repr(v)}
        if isinstance(v, str):
            if getattr(v, "__UNSAFE__", False):
                return {"u": str.__str__(v)}
            return str.__str__(v)
        if isinstance(v, bytes):
            return v.decode("utf-8", "surrogateescape")
        if hasattr(v, "items") and hasattr(v, "keys"):
            return {"d": [[self.encode(k, depth + 1), self.encode(x, depth + 1)] for k, x in v.items()]}
        if isinstance(v, tuple):
            return {"t": [self.encode(x, depth + 1) for x in v]}
        if hasattr(v, "__iter__") or hasattr(v, "__next__"):
            return [self.encode(x, depth + 1) for x in v]
        return str(v)


# --- plugins -------------------------------------------------------------------

_loaded = {}


def load(file, package):
    """The module of a plugin's file, under the name that its own imports know."""
    if file not in _loaded:
        stem = os.path.splitext(os.path.basename(file))[0]
        if package and INSTALLED:
            collections(package, file)
            m = importlib.import_module(package + "." + stem)
        else:
            name = (package or "sunup_plugins_%d" % len(_loaded)) + "." + stem
            if package:
                parent_packages(package, os.path.dirname(file))
            spec = importlib.util.spec_from_file_location(name, file)
            m = importlib.util.module_from_spec(spec)
            sys.modules[name] = m
            spec.loader.exec_module(m)
        _loaded[file] = m
    return _loaded[file]


def collections(package, file):
    """Makes the collection's own imports work, as the installed Ansible does."""
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
    root = file.split(os.sep + "ansible_collections" + os.sep)[0]
    for finder in sys.meta_path:
        if isinstance(finder, _AnsibleCollectionFinder):
            if root not in finder._n_configured_paths:
                finder._n_configured_paths.insert(0, root)
            return
    import site
    _AnsibleCollectionFinder(paths=[root] + site.getsitepackages(), scan_sys_paths=True)._install()


def parent_packages(package, directory):
    """Packages of the directories above a plugin of a collection."""
    while package and package not in sys.modules:
        module(package).__path__ = [directory]
        package, directory = package.rpartition(".")[0], os.path.dirname(directory)


def functions(m, kind):
    made = getattr(m, "FilterModule" if kind == "filter" else "TestModule", None)
    if made is None:
        return {}
    return made().filters() if kind == "filter" else made().tests()


class Variables(dict):
    """The variables of the place, each asked for when it is needed."""

    def __missing__(self, name):
        answer = ask("var", name=name)
        if not answer["found"]:
            raise KeyError(name)
        self[name] = decode(answer["value"])
        return self[name]

    def get(self, name, default=None):
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name):
        return self.get(name, self) is not self

    def copy(self):
        return self

    def resolve(self, name):
        return self.get(name)


class Templar:
    """What lookups use of Ansible's templar."""

    def __init__(self, variables, loader):
        self.available_variables = self._available_variables = variables
        self._loader = loader

    def template(self, variable, **options):
        if isinstance(variable, str):
            return decode(ask("template", text=variable)["value"])
        if isinstance(variable, dict):
            return {self.template(k): self.template(v) for k, v in variable.items()}
        if isinstance(variable, (list, tuple)):
            return type(variable)(self.template(v) for v in variable)
        return variable

    do_template = template

    def is_template(self, data):
        return isinstance(data, str) and ("{{" in data or "{%" in data)

    is_possibly_template = is_template

    def set_temporary_context(self, **more):
        import contextlib
        return contextlib.nullcontext(self)

    def copy_with_new_env(self, **more):
        return self


def passed(f, variables):
    """The argument that jinja2's marks ask for in front of the others."""
    mark = getattr(f, "jinja_pass_arg", None)
    mark = getattr(mark, "name", mark)
    if mark is None:
        return []
    try:
        from ansible.template import AnsibleEnvironment as Environment
    except ImportError:
        try:
            from jinja2 import Environment
        except ImportError:
            return [None]
    environment = Environment()
    if mark == "environment":
        return [environment]
    context = environment.context_class(environment, variables, None, {})
    return [context if mark == "context" else context.eval_ctx]


def call(request):
    m = load(request["file"], request.get("package"))
    f = functions(m, request["kind"])[request["name"]]
    args = [decode(a) for a in request["args"]]
    kwargs = {k: decode(v) for k, v in request["kwargs"].items()}
    return f(*(passed(f, Variables()) + args), **kwargs)


_directories = set()


def lookup(request):
    variables = Variables()
    from ansible.parsing.dataloader import DataLoader
    loader = DataLoader()
    loader.set_basedir(request["basedir"])
    templar = Templar(variables, loader)
    plugin = None
    if INSTALLED:
        from ansible.plugins.loader import lookup_loader
        directory = os.path.dirname(request["file"])
        if request.get("package"):
            collections(request["package"], request["file"])
        elif directory not in _directories:
            lookup_loader.add_directory(directory)
            _directories.add(directory)
        plugin = lookup_loader.get(request["name"], loader=loader, templar=templar)
    if plugin is None:
        plugin = load(request["file"], request.get("package")).LookupModule(loader=loader, templar=templar)
    terms = [decode(t) for t in request["args"]]
    kwargs = {k: decode(v) for k, v in request["kwargs"].items()}
    return plugin.run(terms, variables=variables, **kwargs)


def undefined_kind(e):
    return type(e).__name__ in ("UndefinedError", "AnsibleUndefinedVariable")


def place(e, file):
    """The line of the plugin's file where an exception came from."""
    line, tb = 0, e.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code.co_filename == file:
            line = tb.tb_lineno
        tb = tb.tb_next
    return line


def serve():
    if not INSTALLED:
        stand_ins()
    while True:
        request = receive()
        try:
            if request["op"] == "names":
                answer = sorted(functions(load(request["file"], request.get("package")), request["kind"]))
            elif request["op"] == "lookup":
                answer = lookup(request)
            else:
                answer = call(request)
            reply = {"value": Encoder().encode(answer)}
        except (KeyboardInterrupt, SystemExit) as e:
            reply = {"error": "the plugin ended the program: %r" % (e,), "type": type(e).__name__}
        except BaseException as e:
            reply = {
                "error": str(e), "type": type(e).__name__, "line": place(e, request["file"]),
                "ansible": any(c.__name__ == "AnsibleError" for c in type(e).__mro__),
                "typeError": isinstance(e, TypeError), "undefined": undefined_kind(e),
            }
        send(reply)


serve()
