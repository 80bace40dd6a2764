// Shows openapi.json as a page. Everything is put in as text, never as HTML.
"use strict";

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function schemaName(schema) {
  return schema.$ref.split("/").pop();
}

// A type in a few words, with links to the schemas it names.
function typeOf(schema) {
  if (!schema) return element("span", {});
  if (schema.$ref) return element("a", { href: "#" + schemaName(schema) }, schemaName(schema));
  const either = schema.oneOf || schema.anyOf || schema.allOf;
  if (either) {
    const all = either.flatMap((one, at) => (at ? [" or ", typeOf(one)] : [typeOf(one)]));
    return element("span", {}, ...all);
  }
  if (schema.enum) return element("span", {}, schema.enum.map((v) => JSON.stringify(v)).join(" | "));
  if (schema.type === "array") return element("span", {}, "list of ", typeOf(schema.items));
  return element("span", {}, [].concat(schema.type || "any").join(" or "));
}

function fields(schema, components) {
  if (schema.$ref) schema = components[schemaName(schema)];
  const parts = schema.allOf ? schema.allOf.map((s) => (s.$ref ? components[schemaName(s)] : s)) : [schema];
  const table = element("table", {});
  for (const part of parts) {
    for (const [name, field] of Object.entries(part.properties || {})) {
      const needed = (part.required || []).includes(name) ? "" : " (optional)";
      table.append(element("tr", {},
        element("td", {}, element("code", {}, name), needed),
        element("td", { class: "type" }, typeOf(field)),
        element("td", {}, field.description || "")));
    }
  }
  return table.children.length ? table : element("p", {}, typeOf(schema));
}

function content(part) {
  return Object.entries((part && part.content) || {});
}

function operation(method, path, op, components) {
  const scopes = (op.security || []).flatMap((s) => Object.values(s).flat()).join(", ");
  const body = element("div", {}, op.description ? element("p", {}, op.description) : null);
  for (const parameter of op.parameters || []) {
    body.append(element("p", {}, element("code", {}, parameter.name),
      ` in ${parameter.in}: ${parameter.description || ""}`));
  }
  for (const [type, { schema }] of content(op.requestBody)) {
    body.append(element("h4", {}, "Body: " + type), fields(schema, components));
  }
  for (const [status, response] of Object.entries(op.responses)) {
    const line = element("p", {}, element("strong", {}, status), " " + response.description + " ");
    for (const [type, { schema }] of content(response)) line.append(typeOf(schema), " " + type);
    body.append(line);
  }
  return element("details", { id: op.operationId },
    element("summary", {}, element("span", { class: "method" }, method.toUpperCase()),
      element("code", {}, path), " " + (op.summary || ""), element("span", { class: "scope" }, scopes)),
    body);
}

async function show() {
  const api = await (await fetch("/openapi.json")).json();
  const components = api.components.schemas;
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
  document.getElementById("description").textContent = api.info.description;
  const list = document.getElementById("operations");
  for (const tag of api.tags) {
    list.append(element("h2", {}, tag.name), element("p", {}, tag.description));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const [method, op] of Object.entries(item)) {
        if ((op.tags || []).includes(tag.name)) list.append(operation(method, path, op, components));
      }
    }
  }
  const schemas = document.getElementById("schemas");
  for (const [name, schema] of Object.entries(components)) {
    schemas.append(element("details", { id: name }, element("summary", {}, element("code", {}, name)),
      schema.description ? element("p", {}, schema.description) : null, fields(schema, components)));
  }
}

show();
