"""The system prompt of a configuration, byte for byte the official one (``formulate_system_prompt``).

The templates are read from the pinned wheel; the three formats of functions' docs are written here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import wheel
from .configuration import Configuration

_PYTHON_TYPES = {"string": "str", "number": "float", "integer": "int", "boolean": "bool"}


def system_prompt(configuration: Configuration, shown_docs: str) -> str:
    """The system prompt; ``shown_docs`` comes from ``write_docs``. Raises AssetError without the wheel."""
    style = wheel.prompt_constant("PROMPT_STYLE_TEMPLATES")[configuration.style]
    template: str = wheel.prompt_constant(
        "_MARKDOWN_SYSTEM_PROMPT_TEMPLATE"
        if configuration.prompt == "markdown"
        else "_PLAINTEXT_SYSTEM_PROMPT_TEMPLATE"
    )
    how = style["tool_call_with_tag" if configuration.tagged else "tool_call_no_tag"].format(
        output_format=wheel.prompt_constant("OUTPUT_FORMAT_MAPPING")[configuration.returns],
        param_types=wheel.prompt_constant("PARAM_TYPE_MAPPING")[configuration.returns],
    )
    return template.format(
        persona=style["persona"],
        task=style["task"],
        tool_call_format=how,
        multiturn_behavior=style["multiturn_behavior"],
        available_tools=style["available_tools"].format(format=configuration.docs, functions=shown_docs),
    )


def write_docs(docs: Sequence[Mapping[str, Any]], form: str) -> str:
    """Functions' docs as text, in the format "python", "xml" or "json"."""
    if form == "json":
        return json.dumps(docs, indent=4)
    if form == "xml":
        return "\n".join(map(_as_xml, docs))
    # the docs and the empty lines between them are joined with further empty lines
    return "\n\n".join([part for doc in docs for part in (_as_python(doc), "\n")])


def _as_xml(doc: Mapping[str, Any]) -> str:
    parameters = doc["parameters"]
    required = parameters.get("required")
    lines = [
        line
        for name, schema in parameters.get("properties", {}).items()
        for line in _xml_parameter(name, schema, required, " " * 4)
    ]
    return "\n".join(
        [
            f'<function name="{doc["name"]}">',
            f"  <desc>{doc.get('description', '')}</desc>",
            "  <params>",
            *lines,
            "  </params>",
            "</function>\n",
        ]
    )


def _xml_parameter(name: str, schema: Mapping[str, Any], required: Sequence[str] | None, indent: str) -> Iterator[str]:
    kind = schema.get("type", "string")
    if "type" in schema.get("items", {}):
        kind = f"{kind}[{schema['items']['type']}]"
    elif "additionalProperties" in schema:
        kind = f"{kind}[{schema['additionalProperties'].get('type', 'string')}]"
    needed = "true" if required is None or name in required else "false"
    attributes = f'name="{name}", type="{kind}", required="{needed}"'
    if "default" in schema:
        attributes += f' default="{schema["default"]!r}"'
    # as officially: commas are removed, also from names and defaults
    yield f"{indent}<param {attributes.replace(',', '')}>"
    yield f"{indent}  <desc>{_described(schema)}</desc>"
    if "properties" in schema:
        yield f"{indent}  <params>"
        for inner, inner_schema in schema["properties"].items():
            yield from _xml_parameter(inner, inner_schema, schema.get("required"), indent + " " * 4)
        yield f"{indent}  </params>"
    yield f"{indent}</param>"


def _as_python(doc: Mapping[str, Any]) -> str:
    lines = [f"# Function: {doc['name']}", '    """', f"    {doc.get('description', '')}", ""]
    properties = doc.get("parameters", {}).get("properties", {})
    if properties:
        lines.append("    Args:")
        for name, schema in properties.items():
            lines += _python_parameter(name, schema, " " * 8)
    return "\n".join([*lines, '    """\n'])


def _python_parameter(name: str, schema: Mapping[str, Any], indent: str) -> Iterator[str]:
    default = f", default={schema['default']!r}" if "default" in schema else ""
    yield f"{indent}{name} ({_python_type(schema)}{default}): {_described(schema)}"
    for inner, inner_schema in schema.get("properties", {}).items():
        yield from _python_parameter(inner, inner_schema, indent + " " * 4)


def _python_type(schema: Mapping[str, Any]) -> str:
    kind: str = schema.get("type", "string")
    if kind in _PYTHON_TYPES:
        return _PYTHON_TYPES[kind]
    if kind in ("array", "list", "tuple") and "items" in schema:
        return f"list[{_python_type(schema['items'])}]"
    if kind in ("object", "dict"):
        inner = schema.get("additionalProperties")
        return "dict" if inner is None else f"dict[str, {_python_type(inner)}]"
    return kind


def _described(schema: Mapping[str, Any]) -> str:
    choices = f" Enum values: {schema['enum']}." if "enum" in schema else ""
    return f"{schema.get('description', '')}{choices}"
