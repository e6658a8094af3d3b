/**
 * Lets LiteRT.js return int8 tensors, as models of the recipe `int8` do: its list of element
 * types ends before them, though its kernels know them. Applied while the page is built.
 */
import fs from "node:fs/promises";

const LAST_TYPE = `typedArrayConstructor: Uint8Array,
    elementType: ElementType.UINT8
  }`;
const INT8 = `{ dtype: "int8", typedArrayConstructor: Int8Array, elementType: ElementType.INT8 }`;

/** @type {import("esbuild").Plugin} */
export const int8Tensors = {
  name: "int8 tensors",
  setup(build) {
    build.onLoad({ filter: /@litertjs.core.dist.index\.js$/ }, async ({ path }) => {
      const text = await fs.readFile(path, "utf8");
      if (text.split(LAST_TYPE).length !== 2 || text.includes("Int8Array,")) {
        throw new Error(
          `${path}: expected the list of element types of @litertjs/core 2.5.3, without int8. ` +
            "Received: another one. If that version returns int8 tensors, delete int8_tensors.js.",
        );
      }
      return { contents: text.replace(LAST_TYPE, `${LAST_TYPE}, ${INT8}`), loader: "js" };
    });
  },
};
