"""How scenes are composed: layers that hide one another, their shadows, the light and the camera.

The toybox composes what it draws, `mrcnn.data.pasted` what was cut out of photographs.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from mrcnn.data.dataset import Dataset

MIN_AREA = 60  # visible pixels, and
MIN_VISIBLE = 0.25  # visible fraction, under which a thing is left out of the scene


@dataclass(frozen=True)
class Scene:
    """A made picture and what is on it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        masks: (H, W, n) bool, the visible part of each thing. No two overlap.
        class_ids: (n,) int32, above 0.
        things: tuple of n, as composed.
    """

    image: np.ndarray
    masks: np.ndarray
    class_ids: np.ndarray
    things: tuple = ()


@dataclass(frozen=True)
class Layer:
    """A thing to lay on a picture.

    Attributes:
        pixels: (h, w, 4) uint8 RGBA, colours multiplied by alpha.
        left, top: where its upper left pixel comes to lie, which may be outside of the picture.
    """

    pixels: np.ndarray
    left: int
    top: int

    def clipped(self, height, width, dx=0, dy=0):
        """The slices of a picture that it covers when moved by (dx, dy), and those of its pixels."""
        h, w = self.pixels.shape[:2]
        top, left = self.top + dy, self.left + dx
        y1, y2 = np.clip((top, top + h), 0, height)
        x1, x2 = np.clip((left, left + w), 0, width)
        return np.s_[y1:y2, x1:x2], np.s_[y1 - top : y2 - top, x1 - left : x2 - left]

    def cast_shadow(self, image, camera):
        """Darkens the picture (H, W, 3) in place, where the shadow falls."""
        if not camera.shadow:
            return
        margin = camera.shadow_blur // 2  # the blur reaches over the layer's border
        alpha = cv2.copyMakeBorder(self.pixels[..., 3], *[margin] * 4, cv2.BORDER_CONSTANT)
        alpha = cv2.blur(alpha, (camera.shadow_blur,) * 2)
        cast = Layer(alpha, self.left - margin, self.top - margin)
        here, part = cast.clipped(*image.shape[:2], *camera.shadow_shift)
        alpha = alpha[part]
        if alpha.size:
            through = cv2.addWeighted(alpha, -camera.shadow, alpha, 0, 255)
            image[here] = cv2.multiply(image[here], cv2.merge([through] * 3), scale=1 / 255)


def visible(layers, height, width):
    """What is seen well enough, in the order of painting: pairs of a layer and its visible mask (H, W).

    Left out is a layer of which fewer than MIN_AREA pixels or less than the fraction MIN_VISIBLE would be
    seen, because others cover it or it lies beyond the border.
    """
    free = np.ones((height, width), bool)
    seen = []
    # From the front to the back: what is left out covers nothing of what lies behind it.
    for layer in reversed(layers):
        solid = layer.pixels[..., 3] >= 128
        here, part = layer.clipped(height, width)
        shown = solid[part] & free[here]
        area = np.count_nonzero(shown)
        if area < max(MIN_AREA, MIN_VISIBLE * np.count_nonzero(solid)):
            continue
        mask = np.zeros((height, width), bool)
        mask[here] = shown
        free[here] &= ~solid[part]
        seen.append((layer, mask))
    return seen[::-1]


def stack(masks, height, width):
    """(H, W, n) bool from a list of n masks (H, W); a view of (n, H, W), several times faster to make."""
    return np.moveaxis(np.array(masks, bool).reshape(-1, height, width), 0, 2)


@dataclass(frozen=True)
class Camera:
    """How a scene is lit and photographed.

    Attributes:
        noise: standard deviation of the pixels' noise, 0 to 255.
        blur: standard deviation of the blur, in pixels.
        light: contrast of a light that falls from one side, 0 (even) to 1 (the far side is black).
        light_angle: where it falls from, in radians.
        shadow: strength of the shadows that things cast, 0 to 1.
        shadow_shift: (dx, dy) in pixels.
        shadow_blur: side of the square over which a shadow is smeared, odd, in pixels.
        jpeg: quality of a JPEG compression that the picture goes through, 1 to 100; 0 for none.
        seed: of the noise.
    """

    noise: float
    blur: float
    light: float
    light_angle: float
    shadow: float
    shadow_shift: tuple
    shadow_blur: int
    jpeg: int
    seed: int

    @classmethod
    def random(cls, rng, size, **chosen):
        """Random settings for a picture of `size` pixels; those of `chosen` that are not None stay."""
        unit = size / 320
        noise = rng.uniform(2, 14) if rng.random() < 0.5 else 0.0
        blur = rng.uniform(0.4, 1.3) * unit if rng.random() < 0.25 else 0.0
        light = rng.uniform(0.1, 0.6) if rng.random() < 0.4 else 0.0
        shadow = rng.uniform(0.15, 0.5) if rng.random() < 0.5 else 0.0
        jpeg = int(rng.integers(35, 90)) if rng.random() < 0.15 else 0
        shift = np.rint(rng.uniform((-6, 1), (6, 6)) * unit).astype(int).tolist()
        camera = cls(
            noise=noise,
            blur=blur,
            light=light,
            light_angle=rng.uniform(0, 2 * np.pi),
            shadow=shadow,
            shadow_shift=tuple(shift),
            shadow_blur=1 + 2 * int(rng.uniform(1, 5) * unit),
            jpeg=jpeg,
            seed=int(rng.integers(2**31)),
        )
        return replace(camera, **{name: value for name, value in chosen.items() if value is not None})

    def photograph(self, image):
        """Light, blur, noise and compression of a picture (H, W, 3) uint8, in a photograph's order."""
        height, width = image.shape[:2]
        if self.light:
            c, s = np.cos(self.light_angle), np.sin(self.light_angle)
            corners = np.array([[-c - s, c - s], [-c + s, c + s]]) / (abs(c) + abs(s))
            dim = (255 * (1 - self.light * (corners + 1) / 2)).astype(np.uint8)
            dim = cv2.resize(dim, (width, height), interpolation=cv2.INTER_CUBIC)
            image = cv2.multiply(image, cv2.merge([dim] * 3), scale=1 / 255)
        if self.blur:
            image = cv2.GaussianBlur(image, (0, 0), self.blur)
        if self.noise:
            rng = np.random.default_rng(self.seed)
            noise = rng.standard_normal(image.shape, np.float32) * np.float32(self.noise)
            image = cv2.add(image, noise, dtype=cv2.CV_8U)
        if self.jpeg:
            _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        return image


class DrawnDataset(Dataset):
    """`count` scenes of a drawn world, each drawn when it is asked for; the last one is kept.

    Scene i of data set `seed` is `draw([seed, i], size)`: scenes held out for evaluation are simply
    those of another seed.

    Args:
        source: the world's name.
        class_names: its classes, "BG" first.
        draw: function (seed, size=…) → Scene.
        count: number of scenes.
        seed: int, at least 0.
        size: pixels of a scene's side, or (height, width).
        options: what else `draw` takes.
    """

    def __init__(self, source, class_names, draw, count, seed=0, size=320, **options):
        super().__init__()
        for class_id, name in enumerate(class_names[1:], 1):
            self.add_class(source, class_id, name)
        for i in range(count):
            self.add_image(source, image_id=i, path=None)
        self.draw, self.seed, self.options = draw, seed, {"size": size} | options
        self._last = None, None
        self.prepare()

    def scene(self, image_id):
        """The Scene behind a picture."""
        # The pair is read and replaced as one: threads may share the data set.
        last, drawn = self._last
        if last != image_id:
            drawn = self.draw([self.seed, int(image_id)], **self.options)
            self._last = image_id, drawn
        return drawn

    def load_image(self, image_id):
        """(H, W, 3) uint8 RGB."""
        return self.scene(image_id).image

    def load_mask(self, image_id):
        """(H, W, n) bool visible masks, (n,) int32 class ids."""
        drawn = self.scene(image_id)
        return drawn.masks, drawn.class_ids

    def image_reference(self, image_id):
        """The call that draws the picture."""
        source = self.image_info[image_id]["source"]
        options = ", ".join(f"{name}={value}" for name, value in self.options.items())
        return f"{source}.scene([{self.seed}, {image_id}], {options})"
