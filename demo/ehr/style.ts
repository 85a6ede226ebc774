/** How the EHR looks, for apps that want to look alike: one address for each look, as long as it stays the same. SMART App Launch 2.2, "Styling" */
const form = {
  color_modal_backdrop: '',
  dim_border_radius: '6px',
  dim_font_size: '16px',
  dim_spacing_size: '16px',
  font_family_body: 'Georgia, Varela, serif',
  font_family_heading: 'Georgia, Varela, serif'
}

export const ehrStyles = {
  day: {
    color_background: '#f4f6f8',
    color_error: '#a3190b',
    color_highlight: '#1f5f8b',
    color_success: '#1d6b3a',
    color_text: '#1b2733',
    ...form
  },
  night: {
    color_background: '#101820',
    color_error: '#ffb4a8',
    color_highlight: '#9cc4f5',
    color_success: '#86d8a4',
    color_text: '#e6edf3',
    ...form
  }
}

export type StyleName = keyof typeof ehrStyles

export const stylePath = (name: StyleName) => `/smart-style/${name}-1.json`
