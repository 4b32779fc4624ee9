"""A scene placed by hand: a street with eleven things, as in `images/input.png`."""

from mrcnn.data.toybox.scenes import Thing, scene

# class, x, y, scale, angle: on a picture of 640 by 480 pixels, from back to front
PLACES = (
    ("bus", 150, 250, 190, 0),
    ("car", 500, 290, 150, 0),
    ("kite", 520, 80, 110, 15),
    ("bird", 330, 90, 70, 0),
    ("bicycle", 330, 330, 150, 0),
    ("person", 420, 330, 200, 0),
    ("umbrella", 85, 370, 150, 0),
    ("dog", 230, 410, 110, 0),
    ("sports ball", 330, 430, 52, 0),
    ("cat", 560, 420, 90, 0),
    ("cup", 45, 440, 60, 0),
)


def street(seed=18):
    """A `Scene` of (480, 640): always the same things in the same places, of other looks for each seed."""
    things = [Thing(*place, look=100 * seed + i) for i, place in enumerate(PLACES)]
    return scene(seed, (480, 640), things, noise=3, blur=0, light=0.15, shadow=0.35, jpeg=0)
